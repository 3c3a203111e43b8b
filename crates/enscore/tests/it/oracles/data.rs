//! Compares readers and statistics with figures computed elsewhere, on data that lies outside the project.

use crate::common::oracles::assert_close;
use crate::common::shared::shared;
use enscore::data::{Scale, Split, Subset, Values, load, statistics};

/// Mean and standard deviation of MNIST's training pixels divided by 255: by an exact integer histogram in
/// rationals.
#[test]
fn pixels_of_mnist_have_their_mean_and_deviation() {
    let Some(folder) = shared("mnist") else { return };
    let data = load(folder.to_str().unwrap(), Split::Train).unwrap();
    assert_eq!(
        (data.rows(), data.row_shape(), data.scale()),
        (60_000, &[28, 28, 1][..], Scale::quantised(256))
    );
    assert_eq!(data.labels().unwrap()[..5], [5, 0, 4, 1, 9]);
    let found = statistics(&Subset::all(&data)).unwrap();
    assert_close("data.mnist.mean_std", &[found.overall_mean(), found.overall_variance().sqrt()], 1e-10);
    let test = load(folder.to_str().unwrap(), Split::Test).unwrap();
    assert_eq!((test.rows(), test.labels().unwrap()[0]), (10_000, 7));
}

#[test]
fn binarised_mnist_has_two_levels() {
    let Some(folder) = shared("mnist-binarised") else { return };
    for (split, rows) in [(Split::Train, 60_000), (Split::Test, 10_000)] {
        let data = load(folder.to_str().unwrap(), split).unwrap();
        assert_eq!((data.rows(), data.scale(), data.labels()), (rows, Scale::quantised(2), None));
    }
}

/// Rows of the tables behind published two-sample comparisons, and their columns before any is dropped.
#[test]
fn tables_have_their_published_shapes() {
    for (file, rows, columns, last) in [
        ("parkinsons_updrs.csv", 5875, 22, "PPE"),
        ("winequality-red.csv", 1599, 12, "quality"),
        ("winequality-white.csv", 4898, 12, "quality"),
        ("iris.csv", 150, 5, "target"),
        ("wine.csv", 178, 14, "target"),
        ("breast_cancer.csv", 569, 31, "target"),
        ("diabetes.csv", 442, 11, "target"),
    ] {
        let Some(path) = shared(&format!("tabular/{file}")) else { return };
        let data = load(path.to_str().unwrap(), Split::Train).unwrap();
        assert_eq!((data.rows(), data.row_shape()), (rows, &[columns][..]), "{file}");
        assert_eq!(data.columns().unwrap().last().unwrap(), last, "{file}");
    }
}

#[test]
fn arrays_written_by_numpy_are_read() {
    let Some(path) = shared("rbm-cd25-500/W.npy") else { return };
    let data = load(path.to_str().unwrap(), Split::Train).unwrap();
    assert_eq!((data.rows(), data.row_shape(), data.scale()), (784, &[500][..], Scale::NONE));
    assert!(matches!(data.values(), Values::F32(_) | Values::F64(_)));
    let vector = shared("rbm-cd25-500/b_visible.npy").unwrap();
    let error = load(vector.to_str().unwrap(), Split::Train).unwrap_err().to_string();
    assert!(error.contains("reshape"), "{error}");
}
