//! Takes checked values out of what was typed, and keeps what it took: the resolved settings and their
//! reference.

use super::raw::{Entry, Raw};
use super::value::{Setting, Value};
use crate::{Error, Result};

/// What a key of the settings is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReference {
    /// Table and key: `train.steps`.
    pub key: String,
    /// The type and range in words: `an integer, 1 or more`.
    pub kind: String,
    /// The default as TOML; empty where there is none.
    pub default: String,
    /// What it sets, with its unit.
    pub meaning: &'static str,
    /// The setting that it goes with (`model.kind = "unet"`); empty for a key that always applies.
    pub applies: String,
}

/// Reads table after table; the order of the calls is the order of the resolved settings.
pub(crate) struct Reader<'a> {
    raw: &'a Raw,
    table: &'static str,
    applies: String,
    taken: Vec<(KeyReference, Option<String>)>,
}

impl<'a> Reader<'a> {
    pub fn new(raw: &'a Raw) -> Self {
        Reader { raw, table: "", applies: String::new(), taken: Vec::new() }
    }

    /// The keys read from now on are of this table.
    pub fn table(&mut self, table: &'static str) {
        self.table = table;
        self.applies.clear();
    }

    /// The keys read from now on are known only under this condition (`model.kind = "unet"`).
    pub fn only_with(&mut self, condition: String) {
        self.applies = condition;
    }

    /// The value typed for `key`, or its default.
    pub fn get<S: Setting>(
        &mut self,
        key: &str,
        default: S,
        rule: S::Rule,
        meaning: &'static str,
    ) -> Result<S> {
        let default_text = default.text();
        let value = self.typed(key, &rule)?.unwrap_or(default);
        self.keep(key, S::expected(&rule), default_text, meaning, Some(value.text()));
        Ok(value)
    }

    /// As [`Reader::get`], for a key that came later: where a run is read that was written without it, it has
    /// the value `before` that the run was trained with.
    pub fn get_since<S: Setting>(
        &mut self,
        key: &str,
        default: S,
        before: S,
        rule: S::Rule,
        meaning: &'static str,
    ) -> Result<S> {
        let is_older = self.raw.run.as_ref().is_some_and(|run| !run.has(self.table, key));
        let default_text = default.text();
        let value = self.typed(key, &rule)?.unwrap_or(if is_older { before } else { default });
        self.keep(key, S::expected(&rule), default_text, meaning, Some(value.text()));
        Ok(value)
    }

    /// The value typed for `key`, if any; it has no default.
    pub fn optional<S: Setting>(
        &mut self,
        key: &str,
        rule: S::Rule,
        meaning: &'static str,
    ) -> Result<Option<S>> {
        let value: Option<S> = self.typed(key, &rule)?;
        self.keep(key, S::expected(&rule), String::new(), meaning, value.as_ref().map(S::text));
        Ok(value)
    }

    fn typed<S: Setting>(&self, key: &str, rule: &S::Rule) -> Result<Option<S>> {
        let Some(entry) = self.raw.get(self.table, key) else { return Ok(None) };
        let taken = S::take(&entry.value, rule).or_else(|reason| match &entry.bare {
            Some(bare) if !matches!(entry.value, Value::Text(_)) => {
                S::take(&Value::Text(bare.clone()), rule).map_err(|_| reason)
            }
            _ => Err(reason),
        });
        taken.map(Some).map_err(|found| {
            Error::input(format!("wrong value for {}.{key}", self.table))
                .at(&entry.place)
                .found(found.unwrap_or_else(|| entry.value.to_string()))
                .expected(S::expected(rule))
        })
    }

    fn keep(
        &mut self,
        key: &str,
        kind: String,
        default: String,
        meaning: &'static str,
        value: Option<String>,
    ) {
        let key = format!("{}.{key}", self.table);
        let applies = self.applies.clone();
        self.taken.push((KeyReference { key, kind, default, meaning, applies }, value));
    }

    /// What was typed for a key of the present table.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.raw.get(self.table, key)
    }

    /// An error about a key whose value is valid by itself but not together with others.
    pub fn wrong(&self, key: &str) -> Error {
        let place = match self.entry(key) {
            Some(entry) => entry.place.clone(),
            None => format!("{}, where it keeps its default", self.raw.name),
        };
        Error::input(format!("wrong value for {}.{key}", self.table)).at(place)
    }

    /// A missing key.
    pub fn missing(&self, keys: &str) -> Error {
        Error::input(format!("no {keys}")).at(format!("{}, [{}]", self.raw.name, self.table))
    }

    /// Key and value as TOML of everything that has a value, in the order read.
    pub fn resolved(&self) -> Vec<(String, String)> {
        let with_value = |(key, value): &(KeyReference, Option<String>)| {
            value.as_ref().map(|value| (key.key.clone(), value.clone()))
        };
        self.taken.iter().filter_map(with_value).collect()
    }

    /// The reference of every key read, in order.
    pub fn references(&self) -> impl Iterator<Item = &KeyReference> {
        self.taken.iter().map(|(reference, _)| reference)
    }
}

/// A table's keys, or the part of them that goes with a kind.
pub(crate) trait Keys: Sized {
    /// Reads each key, or takes its default.
    fn read_keys(reader: &mut Reader) -> Result<Self>;
}

/// Declares a table of settings, or the part of one that goes with a kind: each key once, with its type,
/// default, rule and meaning; before them (`[..field: Type]`) and behind them (`..field: Type;`) parts that
/// it shares with others. The struct's `Default` has the declared defaults.
macro_rules! keys {
    ($(#[$doc:meta])* $name:ident {
        $([..$first:ident: $leading:ty])*
        $($key:ident: $kind:ty = $default:expr, $rule:expr, $meaning:literal;)*
        $(..$part:ident: $keys:ty;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(#[doc = concat!("Keys that kinds share: [`", stringify!($leading), "`].")] pub $first: $leading,)*
            $(#[doc = $meaning] pub $key: $kind,)*
            $(#[doc = concat!("Keys that kinds share: [`", stringify!($keys), "`].")] pub $part: $keys,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($first: <$leading>::default(),)*
                    $($key: $default,)*
                    $($part: <$keys>::default(),)*
                }
            }
        }

        impl $crate::keys::Keys for $name {
            #[allow(unused_variables, reason = "a kind may have no keys of its own")]
            fn read_keys(reader: &mut $crate::keys::Reader) -> $crate::Result<Self> {
                Ok($name {
                    $($first: <$leading as $crate::keys::Keys>::read_keys(reader)?,)*
                    $($key: reader.get(stringify!($key), $default, $rule, $meaning)?,)*
                    $($part: <$keys as $crate::keys::Keys>::read_keys(reader)?,)*
                })
            }
        }
    };
}
pub(crate) use keys;
