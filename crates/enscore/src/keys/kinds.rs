//! The kinds of a table: a list of methods, each with keys of its own, of which a settings file picks one
//! by the word in `kind`. [`kinds!`] makes the list; reading, the reference and the refusals follow from
//! it, so that a method is known everywhere as soon as its line stands there.

use super::reader::{Keys, Reader};
use super::value::{Setting, Taken, Value};
use crate::Result;

/// Whether a kind can be chosen beside what else was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It can't.
    No,
    /// It can.
    Yes,
    /// It is what a table without `kind` means.
    Default,
}

/// One kind of a table, declared in the file of its method.
pub(crate) trait Kind: Keys {
    /// What decides whether the kind fits, and its defaults.
    type Facts;

    /// What must hold beside the word, for the reference: ` with model.kind = "rbm"`. Needed only where two
    /// kinds share a word.
    const CONDITION: &'static str = "";

    /// Whether the kind can be chosen.
    fn fits(facts: &Self::Facts) -> Fit {
        let _ = facts;
        Fit::Yes
    }

    /// Reads the keys and refuses values that don't go together.
    fn read(reader: &mut Reader, facts: &Self::Facts) -> Result<Self> {
        let _ = facts;
        Self::read_keys(reader)
    }
}

/// A line of a list of kinds: an entry `E` of the list, chosen by facts `F`.
pub(crate) struct Listed<E, F> {
    pub word: &'static str,
    pub condition: &'static str,
    pub fits: fn(&F) -> Fit,
    pub read: fn(&mut Reader, &F) -> Result<E>,
}

/// A table whose `kind` picks one of a list.
pub(crate) struct KindTable<E: 'static, F: 'static> {
    pub name: &'static str,
    /// What `kind` means.
    pub meaning: &'static str,
    pub kinds: &'static [Listed<E, F>],
}

impl<E, F> KindTable<E, F> {
    /// Reads the table; `chosen` says in words what a kind must fit, if anything.
    pub fn read(&self, reader: &mut Reader, facts: &F, chosen: &str) -> Result<E> {
        reader.table(self.name);
        let Some(word) = self.word(reader, facts)? else {
            return Err(reader.missing(&format!("{}.kind", self.name)).expected(self.fitting(facts, chosen)));
        };
        let named = self.kinds.iter().filter(|kind| kind.word == word);
        let Some(kind) = fitting(named, facts).next() else {
            let error = reader.wrong("kind").found(format!("{word:?}"));
            return Err(error.expected(self.fitting(facts, chosen)));
        };
        self.read_kind(kind, reader, facts)
    }

    /// The word typed, or that of the default kind, if there is one.
    fn word(&self, reader: &mut Reader, facts: &F) -> Result<Option<&'static str>> {
        let words: Vec<&'static str> = self.kinds.iter().map(|kind| kind.word).collect();
        let default = self.kinds.iter().find(|kind| (kind.fits)(facts) == Fit::Default);
        let word = match default {
            Some(kind) => Some(reader.get("kind", Word(kind.word), words, self.meaning)?),
            None => reader.optional("kind", words, self.meaning)?,
        };
        Ok(word.map(|Word(word)| word))
    }

    /// The words that can be chosen.
    fn fitting(&self, facts: &F, chosen: &str) -> String {
        let words = alternatives(fitting(self.kinds.iter(), facts).map(|kind| kind.word));
        if chosen.is_empty() { words } else { format!("{words} for {chosen}") }
    }

    fn read_kind(&self, kind: &Listed<E, F>, reader: &mut Reader, facts: &F) -> Result<E> {
        reader.only_with(format!("{}.kind = {:?}{}", self.name, kind.word, kind.condition));
        let read = (kind.read)(reader, facts);
        reader.only_with(String::new());
        read
    }
}

impl<E, F: Default> KindTable<E, F> {
    /// Reads the keys of every kind, for the reference.
    pub fn read_all(&self, reader: &mut Reader) -> Result<()> {
        let facts = F::default();
        reader.table(self.name);
        // Without a default the word is missing here, which is no error of the reference.
        let _ = self.word(reader, &facts);
        for kind in self.kinds {
            self.read_kind(kind, reader, &facts)?;
        }
        Ok(())
    }
}

/// Those kinds that can be chosen.
fn fitting<'a, E: 'a, F: 'a>(
    kinds: impl Iterator<Item = &'a Listed<E, F>>,
    facts: &'a F,
) -> impl Iterator<Item = &'a Listed<E, F>> {
    kinds.filter(move |kind| (kind.fits)(facts) != Fit::No)
}

/// One of the words of a list.
struct Word(&'static str);

impl Setting for Word {
    type Rule = Vec<&'static str>;

    fn take(value: &Value, words: &Self::Rule) -> Taken<Self> {
        let Value::Text(typed) = value else { return Err(None) };
        words.iter().find(|word| *word == typed).map(|word| Word(word)).ok_or(None)
    }

    fn expected(words: &Self::Rule) -> String {
        alternatives(words.iter().copied())
    }

    fn text(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// `"a", "b" or "c"`, each word once.
fn alternatives<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut quoted: Vec<String> = Vec::new();
    for word in words.map(|word| format!("{word:?}")) {
        if !quoted.contains(&word) {
            quoted.push(word);
        }
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

/// Declares the list of a table's kinds: an enum with one variant a method, read by the word behind it,
/// that gives its method as a trait object.
macro_rules! kinds {
    (
        $(#[$doc:meta])*
        $name:ident: $method:ident, by $facts:ty, in $table:literal, $meaning:literal {
            $($(#[$about:meta])* $variant:ident($settings:ty) = $word:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name { $($(#[$about])* $variant($settings),)* }

        impl $name {
            pub(crate) const TABLE: $crate::keys::KindTable<$name, $facts> = $crate::keys::KindTable {
                name: $table,
                meaning: $meaning,
                kinds: &[$($crate::keys::Listed {
                    word: $word,
                    condition: <$settings as $crate::keys::Kind>::CONDITION,
                    fits: <$settings as $crate::keys::Kind>::fits,
                    read: |reader, facts| {
                        <$settings as $crate::keys::Kind>::read(reader, facts).map($name::$variant)
                    },
                },)*],
            };

            /// The word for it in settings.
            pub fn name(&self) -> &'static str {
                match self { $($name::$variant(_) => $word,)* }
            }

            /// What its file declares.
            pub fn method(&self) -> &dyn $method {
                match self { $($name::$variant(settings) => settings,)* }
            }
        }

        $(impl From<$settings> for $name {
            fn from(settings: $settings) -> Self {
                $name::$variant(settings)
            }
        })*
    };
}
pub(crate) use kinds;
