//! What a data set keeps, changes and refuses.

use super::*;

fn bytes() -> Dataset {
    let data = Dataset::new("t", "test", &[2], Values::U8(vec![0, 51, 255, 102])).unwrap();
    data.with_scale(Scale::quantised(256)).unwrap()
}

#[test]
fn rows_are_scaled_and_dequantised() {
    let data = bytes();
    let mut out = [0.0; 2];
    data.copy_row(1, &mut out).unwrap();
    assert_eq!(out, [1.0, 0.4]);
    data.copy_row_dequantised(1, &[0.5, 0.25], &mut out).unwrap();
    assert_eq!(out, [255.5 / 256.0, 102.25 / 256.0]);
    assert!(data.copy_row(2, &mut out).is_err());
    assert!(data.copy_row(0, &mut [0.0; 3]).is_err());
    assert!(data.copy_row_dequantised(0, &[f32::NAN, 0.5], &mut out).is_err());
}

#[test]
fn real_values_are_not_dequantised() {
    let data = Dataset::new("t", "test", &[2], Values::F32(vec![-1.0, 3.0])).unwrap();
    let error = data.copy_row_dequantised(0, &[0.5; 2], &mut [0.0; 2]).unwrap_err();
    assert!(error.to_string().contains("without levels"), "{error}");
    let unit = data.rescaled_to_unit().unwrap();
    let mut out = [9.0; 2];
    unit.copy_row(0, &mut out).unwrap();
    assert_eq!((out, unit.scale()), ([0.0, 1.0], Scale::range(-1.0, 3.0)));
    let constant = Dataset::new("t", "test", &[1], Values::F32(vec![2.0; 3])).unwrap();
    assert!(constant.rescaled_to_unit().is_err());
}

#[test]
fn the_fingerprint_covers_values_shape_and_scale_but_not_the_name() {
    let floats = |name: &str, shape: &[usize]| {
        Dataset::new(name, name, shape, Values::F32(vec![1.0, 2.0, 3.0, 4.5])).unwrap()
    };
    let base = floats("a", &[2]);
    assert_eq!(base.fingerprint(), floats("b", &[2]).fingerprint());
    assert_eq!(base.fingerprint().len(), 64);
    let double = Dataset::new("c", "c", &[2], Values::F64(vec![1.0, 2.0, 3.0, 4.5])).unwrap();
    assert_eq!(base.fingerprint(), double.fingerprint());
    let other = Dataset::new("c", "c", &[2], Values::F64(vec![1.0, 2.0, 3.0, 4.25])).unwrap();
    let changed = [floats("a", &[4]), floats("a", &[1]), base.rescaled_to_unit().unwrap(), other, bytes()];
    for (i, data) in changed.iter().enumerate() {
        assert_ne!(base.fingerprint(), data.fingerprint(), "change {i}");
    }
}

/// A change of this value makes every stored fingerprint stale, so it must be deliberate.
#[test]
fn the_fingerprint_is_stable() {
    let expected = "b4fa95b0d0049f80bb4a515b4c3ab865818da268bbef9238804af9b57858542f";
    assert_eq!(bytes().fingerprint(), expected);
}

#[test]
fn bad_values_and_shapes_are_refused_with_their_place() {
    let error = Dataset::new("t", "f.npy", &[2], Values::F64(vec![0.0, 1.0, f64::NAN, 1.0])).unwrap_err();
    assert!(error.to_string().contains("f.npy, row 1, value 0"), "{error}");
    assert!(Dataset::new("t", "f", &[1], Values::F64(vec![1e300])).is_err());
    assert!(Dataset::new("t", "f", &[3], Values::U8(vec![1, 2])).is_err());
    assert!(Dataset::new("t", "f", &[], Values::U8(vec![1, 2])).is_err());
    assert!(Dataset::new("t", "f", &[0], Values::U8(vec![])).is_err());
    assert!(Dataset::new("t", "f", &[usize::MAX, 2], Values::U8(vec![1])).is_err());
    let wide = Dataset::new("t", "f", &[1 << 25], Values::U8(vec![1; 1 << 25])).unwrap_err().to_string();
    assert!(wide.contains("33554432 values per row"), "{wide}");
    assert!(bytes().with_scale(Scale::quantised(200)).is_err());
    assert!(bytes().with_labels(vec![1]).is_err());
    assert!(bytes().with_columns(vec!["a".into()]).is_err());
}
