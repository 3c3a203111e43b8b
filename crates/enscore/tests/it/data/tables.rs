//! Tables of text: names, cells and labels in their places, whatever the separators, quotes and blank lines.

use enscore::data::{Scale, Split, Values, load};

fn read(text: &str) -> enscore::data::Dataset {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    load(path.to_str().unwrap(), Split::Train).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn every_cell_is_in_its_row_and_column() {
    for text in [
        "p,q,r\n1,2,3\n4,5,6\n-7,8.5,9e1\n",
        "p;q;r\n1;2;3\n4;5;6\n-7;8.5;9e1\n",
        "p\tq\tr\r\n1\t2\t3\r\n4\t5\t6\r\n-7\t8.5\t9e1",
        "\n\np,q,r\n\n1,2,3\n\n\n4,5,6\n-7,8.5,9e1\n\n",
        "\u{feff}\"p\",\"q\" ,r\n 1 ,\"2\",+3\n4,05,6.0\n-7.,8.50,90\n",
    ] {
        let data = read(text);
        assert_eq!(
            data.values(),
            &Values::F64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0, 8.5, 90.0]),
            "{text:?}"
        );
        assert_eq!(data.columns().unwrap(), ["p", "q", "r"], "{text:?}");
        assert_eq!((data.rows(), data.row_shape(), data.scale()), (3, &[3][..], Scale::NONE), "{text:?}");
    }
}

/// Text is read in double precision: digits that single precision loses stay.
#[test]
fn cells_keep_double_precision() {
    let data = read("0.1234567890123,16777217\n2,3\n");
    assert_eq!(data.values(), &Values::F64(vec![0.123_456_789_012_3, 16_777_217.0, 2.0, 3.0]));
}

#[test]
fn a_table_of_one_column_has_a_row_a_line() {
    let data = read("x\n5\n3\n4\n");
    assert_eq!((data.rows(), data.row_shape()), (3, &[1][..]));
    assert_eq!(data.values(), &Values::F64(vec![5.0, 3.0, 4.0]));
}
