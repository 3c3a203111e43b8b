//! The small data sets of the families.

use std::path::Path;

/// What a family learns from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// 29 points of the plane.
    Points,
    /// 29 rows of six zeros and ones.
    Bits,
    /// The built-in digits.
    Digits,
}

impl Data {
    /// The `--set` argument that names it, for files in `folder`.
    pub fn argument(self, folder: &Path) -> String {
        match self {
            Data::Points => format!("data.path={}", folder.join("points.csv").display()),
            Data::Bits => format!("data.path={}", folder.join("bits.csv").display()),
            Data::Digits => "data.name=digits".to_string(),
        }
    }
}

/// Writes the files that families learn from into `folder`.
pub fn write_data(folder: &Path) {
    let mut points = "a,b\n".to_string();
    let mut bits = "u,v,w,x,y,z\n".to_string();
    for i in 0..29u32 {
        let angle = f64::from(i) * 0.43;
        let (sine, cosine) = angle.sin_cos();
        points.push_str(&format!(
            "{:.4},{:.4}\n",
            (1.0 + 0.02 * f64::from(i)) * cosine,
            0.7 * sine + 0.01 * f64::from(i)
        ));
        // The low bits of a multiple: every column changes, and neighbours are correlated.
        let word = i * 37 % 64;
        let row: Vec<String> =
            (0..6).map(|bit| ((word >> bit | word >> (bit + 2)) & 1).to_string()).collect();
        bits.push_str(&format!("{}\n", row.join(",")));
    }
    std::fs::write(folder.join("points.csv"), points).unwrap();
    std::fs::write(folder.join("bits.csv"), bits).unwrap();
}
