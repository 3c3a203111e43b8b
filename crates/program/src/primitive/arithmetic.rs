//! Element by element: functions of one, two or three values at the same place. Operands have equal shapes.

use super::{Checked, require};
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

/// A function of one real number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// -x
    Neg,
    /// e^x
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// tanh x
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// ln(1 + e^x)
    Softplus,
    /// x σ(x), with σ(x) = 1 / (1 + e^-x) (Elfwing, Uchibe and Doya 2018, eq. 13)
    Silu,
    /// σ(x) (1 + x (1 - σ(x))), the derivative of x σ(x) (the same, eq. 14)
    SiluSlope,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// |x|
    Abs,
    /// -1, 0 or 1
    Sign,
}

/// A function of two real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a b
    Mul,
    /// a / b
    Div,
    /// The larger; NaN if one is.
    Maximum,
    /// The smaller; NaN if one is.
    Minimum,
}

/// A comparison of two real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// a < b
    Less,
    /// a ≤ b
    LessEqual,
    /// a = b
    Equal,
}

/// A function of two truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Logic {
    /// a and b
    And,
    /// a or b
    Or,
}

impl Unary {
    /// Every function, for tests.
    pub const ALL: [Unary; 13] = [
        Unary::Neg,
        Unary::Exp,
        Unary::Log,
        Unary::Sqrt,
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Softplus,
        Unary::Silu,
        Unary::SiluSlope,
        Unary::Sin,
        Unary::Cos,
        Unary::Abs,
        Unary::Sign,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Sqrt => "sqrt",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Softplus => "softplus",
            Unary::Silu => "silu",
            Unary::SiluSlope => "silu_slope",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
        }
    }

    /// The function in double precision.
    pub fn reference(self, x: f64) -> f64 {
        match self {
            Unary::Neg => -x,
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Tanh => x.tanh(),
            Unary::Sigmoid if x >= 0.0 => 1.0 / (1.0 + (-x).exp()),
            Unary::Sigmoid => x.exp() / (1.0 + x.exp()),
            Unary::Softplus if x.is_nan() => x,
            Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Unary::Silu => x * Unary::Sigmoid.reference(x),
            Unary::SiluSlope => {
                let s = Unary::Sigmoid.reference(x);
                s * (1.0 + x * (1.0 - s))
            }
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Abs => x.abs(),
            Unary::Sign if x == 0.0 || x.is_nan() => x,
            Unary::Sign => x.signum(),
        }
    }

    /// The derivative at x, given y = f(x) where that is cheaper.
    fn derivative<'s>(self, x: Var<'s>, y: Var<'s>) -> Var<'s> {
        match self {
            Unary::Neg => x.full_like(-1.0),
            Unary::Exp => y,
            Unary::Log => 1.0 / x,
            Unary::Sqrt => 0.5 / y,
            Unary::Tanh => 1.0 - y * y,
            Unary::Sigmoid => y * (1.0 - y),
            Unary::Softplus => x.sigmoid(),
            Unary::Silu => x.silu_slope(),
            Unary::SiluSlope => {
                let s = x.sigmoid();
                s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s))
            }
            Unary::Sin => x.cos(),
            Unary::Cos => -x.sin(),
            Unary::Abs => x.sign(),
            Unary::Sign => x.zeros_like(),
        }
    }
}

impl Binary {
    /// Every function, for tests.
    pub const ALL: [Binary; 6] =
        [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Maximum, Binary::Minimum];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
        }
    }

    /// The function in double precision.
    pub fn reference(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            _ if a.is_nan() || b.is_nan() => f64::NAN,
            Binary::Maximum => a.max(b),
            Binary::Minimum => a.min(b),
        }
    }
}

impl Compare {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Compare::Less => "less",
            Compare::LessEqual => "less_equal",
            Compare::Equal => "equal",
        }
    }

    /// The comparison; false where a value is NaN.
    pub fn reference(self, a: f64, b: f64) -> bool {
        match self {
            Compare::Less => a < b,
            Compare::LessEqual => a <= b,
            Compare::Equal => a == b,
        }
    }
}

impl Logic {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Logic::And => "and",
            Logic::Or => "or",
        }
    }

    /// The truth value of the function of a and b.
    pub fn reference(self, a: bool, b: bool) -> bool {
        match self {
            Logic::And => a && b,
            Logic::Or => a || b,
        }
    }
}

/// All operands have the shape of the value; kinds are those of the function.
pub(crate) fn check(op: &Op, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    use Kind::{Bool, Float, Index};
    let kinds: Vec<Kind> = operands.iter().map(|(kind, _)| *kind).collect();
    let result = match (op, kinds.as_slice()) {
        (Op::Unary(_) | Op::StopGradient, [Float]) | (Op::Binary(_), [Float, Float]) => Float,
        (Op::Select, [Bool, a, b]) if a == b && *a != Kind::Key => *a,
        (Op::ToFloat, [Bool | Index]) => Float,
        (Op::Compare(_), [Float, Float]) | (Op::Logic(_), [Bool, Bool]) => Bool,
        (Op::Not, [Bool]) | (Op::IsFinite, [Float]) => Bool,
        _ => return Err("operands of the wrong kinds".into()),
    };
    require(operands.iter().all(|(_, operand)| *operand == shape), || "shapes differ".into()).map(|()| result)
}

pub(crate) fn reference(op: &Op, operands: &[Array]) -> Value {
    let a = operands[0].value;
    let b = operands.get(1).map(|operand| operand.value);
    match (op, a, b) {
        (Op::Unary(f), Value::Float(x), _) => Value::Float(x.iter().map(|x| f.reference(*x)).collect()),
        (Op::Binary(f), Value::Float(a), Some(Value::Float(b))) => {
            Value::Float(a.iter().zip(b).map(|(a, b)| f.reference(*a, *b)).collect())
        }
        (Op::Compare(f), Value::Float(a), Some(Value::Float(b))) => {
            Value::Bool(a.iter().zip(b).map(|(a, b)| f.reference(*a, *b)).collect())
        }
        (Op::Logic(f), Value::Bool(a), Some(Value::Bool(b))) => {
            Value::Bool(a.iter().zip(b).map(|(a, b)| f.reference(*a, *b)).collect())
        }
        (Op::Not, Value::Bool(a), _) => Value::Bool(a.iter().map(|a| !a).collect()),
        (Op::IsFinite, Value::Float(x), _) => Value::Bool(x.iter().map(|x| x.is_finite()).collect()),
        (Op::ToFloat, Value::Bool(a), _) => Value::Float(a.iter().map(|a| f64::from(u8::from(*a))).collect()),
        (Op::ToFloat, Value::Index(a), _) => Value::Float(a.iter().map(|a| f64::from(*a)).collect()),
        (Op::Select, Value::Bool(condition), Some(yes)) => select(condition, yes, operands[2].value),
        (_, value, _) => value.clone(),
    }
}

fn select(condition: &[bool], yes: &Value, no: &Value) -> Value {
    fn choose<T: Copy>(condition: &[bool], yes: &[T], no: &[T]) -> Vec<T> {
        condition.iter().zip(yes.iter().zip(no)).map(|(c, (yes, no))| if *c { *yes } else { *no }).collect()
    }
    match (yes, no) {
        (Value::Float(yes), Value::Float(no)) => Value::Float(choose(condition, yes, no)),
        (Value::Index(yes), Value::Index(no)) => Value::Index(choose(condition, yes, no)),
        (Value::Bool(yes), Value::Bool(no)) => Value::Bool(choose(condition, yes, no)),
        _ => yes.clone(),
    }
}

pub(crate) fn jvp<'s>(
    op: &Op,
    inputs: &[Var<'s>],
    output: Var<'s>,
    tangents: &[Option<Var<'s>>],
) -> Option<Var<'s>> {
    match op {
        Op::Unary(f) => Some(match f {
            Unary::Neg => -tangents[0]?,
            Unary::Sign => return None,
            _ => tangents[0]? * f.derivative(inputs[0], output),
        }),
        Op::Binary(f) => {
            let (da, db) = binary_jvp(*f, inputs[0], inputs[1], output, tangents[0], tangents[1]);
            match (da, db) {
                (Some(da), Some(db)) => Some(da + db),
                (da, db) => da.or(db),
            }
        }
        Op::Select if output.kind() == Kind::Float => {
            let yes = tangents[1].unwrap_or_else(|| output.zeros_like());
            let no = tangents[2].unwrap_or_else(|| output.zeros_like());
            Some(inputs[0].select(yes, no))
        }
        _ => None,
    }
}

/// The parts of the derivative that come from a and from b.
fn binary_jvp<'s>(
    f: Binary,
    a: Var<'s>,
    b: Var<'s>,
    output: Var<'s>,
    da: Option<Var<'s>>,
    db: Option<Var<'s>>,
) -> (Option<Var<'s>>, Option<Var<'s>>) {
    // At a tie the whole derivative goes to a.
    let chosen = |a_wins: Var<'s>| {
        let zero = output.zeros_like();
        (da.map(|da| a_wins.select(da, zero)), db.map(|db| a_wins.select(zero, db)))
    };
    match f {
        Binary::Add => (da, db),
        Binary::Sub => (da, db.map(|db| -db)),
        Binary::Mul => (da.map(|da| da * b), db.map(|db| db * a)),
        Binary::Div => (da.map(|da| da / b), db.map(|db| -(db * (output / b)))),
        Binary::Maximum => chosen(b.less_equal(a)),
        Binary::Minimum => chosen(a.less_equal(b)),
    }
}

pub(crate) fn transpose<'s>(
    op: &Op,
    inputs: &[Var<'s>],
    linear: &[bool],
    cotangent: Var<'s>,
) -> Vec<Option<Var<'s>>> {
    let when = |position: usize, value: &dyn Fn() -> Var<'s>| linear[position].then(value);
    match op {
        Op::Unary(Unary::Neg) => vec![Some(-cotangent)],
        Op::Binary(Binary::Add) => vec![when(0, &|| cotangent), when(1, &|| cotangent)],
        Op::Binary(Binary::Sub) => vec![when(0, &|| cotangent), when(1, &|| -cotangent)],
        Op::Binary(Binary::Mul) => {
            vec![when(0, &|| cotangent * inputs[1]), when(1, &|| cotangent * inputs[0])]
        }
        Op::Binary(Binary::Div) => vec![when(0, &|| cotangent / inputs[1]), None],
        Op::Select => {
            let zero = cotangent.zeros_like();
            vec![
                None,
                when(1, &|| inputs[0].select(cotangent, zero)),
                when(2, &|| inputs[0].select(zero, cotangent)),
            ]
        }
        // No other function is linear, and no JVP rule applies one to a tangent.
        _ => vec![None; inputs.len()],
    }
}
