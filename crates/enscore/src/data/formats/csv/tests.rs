//! Tables in text, of every dialect.

use super::*;
use crate::data::Values;
use crate::data::reading::{Header, Missing};

fn parse(text: &str) -> Result<Dataset> {
    read("t", Input::bytes("t.csv", text.as_bytes())?, &Reading::default())
}

#[test]
fn separators_and_headers_are_detected() {
    for (text, named) in [
        ("a,b\n1,2\n3,-4e1\n", true),
        ("1,2\r\n3,-40\r\n", false),
        ("\"a;x\";b\n1;2\n3;-40\n", true),
        ("\u{feff}a\tb\n1\t2\n\n3\t -40 ", true),
        ("\u{feff}1,2\n3,-40", false),
    ] {
        let data = parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(data.values(), &Values::F64(vec![1.0, 2.0, 3.0, -40.0]), "{text:?}");
        assert_eq!((data.columns().is_some(), data.row_shape()), (named, &[2][..]), "{text:?}");
    }
    assert_eq!(parse("\u{feff}a,b\n1,2").unwrap().columns().unwrap(), ["a", "b"]);
    assert_eq!(parse("x\n1\n2").unwrap().rows(), 2);
}

#[test]
fn bad_cells_are_refused_with_line_and_column() {
    for (text, place, found) in [
        ("a,b\n1,2\n3,x\n5,6\n", "t.csv, line 3, column 2 ('b')", "'x'"),
        ("a,b\n-inf,1\n", "line 2, column 1", "'-inf'"),
        ("a,b\n1,1e39\n", "line 2, column 2", "'1e39'"),
        ("1,2\n3\n", "line 2", "1 cell,"),
        ("1,2\n3,4,5\n", "line 2", "3 cells"),
        ("1,x\n3,4\n", "line 1, column 2", "'x'"),
        ("a,b\n1,x\n2,y\n", "line 2, column 2 ('b')", "'x', the first of 2"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(found), "{text:?}: {error}");
    }
}

#[test]
fn missing_values_are_refused_with_their_number_and_the_first_place() {
    for (text, place, found) in [
        ("a,b\n1,nan\n", "line 2, column 2 ('b')", "1: 1 in 'b'"),
        ("a,b\n1,\nNA,2\n?,3\n", "line 2, column 2 ('b')", "3: 2 in 'a', 1 in 'b'"),
        ("1,,3\n4,5,6\n", "line 1, column 2", "1: 1 in 'column 2'"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(found), "{text:?}: {error}");
        assert!(error.contains("data.missing"), "{error}");
    }
}

fn with(text: &str, reading: Reading) -> Result<Dataset> {
    read("t", Input::bytes("t.csv", text.as_bytes())?, &reading)
}

fn values(data: &Dataset) -> Vec<f64> {
    (0..data.values().len()).map(|at| data.values().get(at)).collect()
}

#[test]
fn missing_values_are_dropped_or_filled_on_request() {
    let text = "a,b\n1,2\n,4\n5,null\n3,9\n";
    let dropped = with(text, Reading { missing: Missing::Drop, ..Reading::default() }).unwrap();
    assert_eq!(values(&dropped), [1.0, 2.0, 3.0, 9.0]);
    assert!(dropped.notes()[0].starts_with("2 rows"), "{:?}", dropped.notes());
    let filled = with(text, Reading { missing: Missing::Mean, ..Reading::default() }).unwrap();
    assert_eq!(values(&filled), [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 3.0, 9.0]);
    // Later data is filled with what the first had.
    let again = Reading { missing: Missing::Mean, ..Reading::default() }.again(filled.table(), None);
    assert_eq!(values(&with("b,a\n7,\n,8\n", again).unwrap()), [3.0, 7.0, 8.0, 5.0]);
}

#[test]
fn separators_decimals_and_marks_are_told_from_the_first_lines() {
    let expected = [1.5, -2.25, 1234.5, 4.0];
    for text in [
        "1.5 -2.25\n1234.5 4\n",
        "  1.50000e+00   -2.25e+00 \n\t1.2345e+03\t4 \n",
        "1,5;-2,25\n1.234,5;4\n",
        "1,5\t-2,25\n1234,5\t4\n",
        "1,5 -2,25\n1234,5 4\n",
        "1.5|-2.25\n1234.5|4\n",
        "sep=;\na;b\n1.5;-2.25\n1234.5;4\n",
        "# made by hand\na,b\n1.5,-2.25\n# in between\n1234.5,4\n",
        "# a,b\n1.5,-2.25\n1234.5,4\n",
        "a,b,\n1.5,-2.25,\n1234.5,4,\n",
        "1.5,-2.25,\n1234.5,4,\n",
        ",a,b\n0,1.5,-2.25\n1,1234.5,4\n",
        ",0,1\n0,1.5,-2.25\n1,1234.5,4\n",
        "0,1\n1.5,-2.25\n1234.5,4\n",
        "a,b\n1.5,\u{2212}2.25\n1234.5,\u{a0}4\n",
        "\n \na,b\n1.5,-2.25\n1234.5,4\n  \n",
    ] {
        let data = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(values(&data), expected, "{text:?}");
        let named = text.contains('a') || text.starts_with(['0', ',']);
        assert_eq!(data.columns().is_some(), named, "{text:?}");
    }
    let data = parse("# a b\n1 2\n3 4\n").unwrap();
    assert_eq!(data.columns().unwrap(), ["a", "b"]);
    let utf16: Vec<u8> = "\u{feff}a,b\n1.5,-2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let data = read("t", Input::bytes("t", &utf16).unwrap(), &Reading::default()).unwrap();
    assert_eq!((values(&data), data.columns().unwrap()), (vec![1.5, -2.0], &["a".into(), "b".into()][..]));
    let latin1 = read("t", Input::bytes("t", b"Gr\xf6\xdfe\n1\n2\n").unwrap(), &Reading::default()).unwrap();
    assert_eq!(latin1.columns().unwrap(), ["Gr\u{f6}\u{df}e"]);
}

#[test]
fn numbers_over_whole_numbers_are_data_unless_told_otherwise() {
    let text = "0,1,2\n3,4,5\n";
    assert_eq!(parse(text).unwrap().rows(), 2);
    let named = with(text, Reading { header: Header::FirstRow, ..Reading::default() }).unwrap();
    assert_eq!((named.rows(), named.columns().unwrap()), (1, &["0".into(), "1".into(), "2".into()][..]));
    let noticed = parse("0,1,2\n3.5,4,5\n").unwrap();
    assert_eq!((noticed.rows(), noticed.notes().len()), (1, 1));
    let data = with("0,1,2\n3.5,4,5\n", Reading { header: Header::None, ..Reading::default() }).unwrap();
    assert_eq!((data.rows(), data.notes().len()), (2, 0));
}

#[test]
fn words_are_labels_categories_or_left_out() {
    let text = "x,kind,y,kind\n1,b,2,p\n3,a,4,q\n5,b,6,p\n";
    let asked = |change: &dyn Fn(&mut Reading)| {
        let mut reading = Reading::default();
        change(&mut reading);
        with(text, reading)
    };
    let error = parse(text).unwrap_err().to_string();
    assert!(
        error.starts_with("a column of words: t.csv, line 2, column 2 ('kind'): found 'b', the first of 3"),
        "{error}"
    );
    let left_out = asked(&|reading| reading.leave_out = vec!["kind".into()]).unwrap();
    assert_eq!(
        (values(&left_out), left_out.columns().unwrap().len()),
        (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2)
    );
    let text = "x,kind,y\n1,b,2\n3,a,4\n5,b,6\n";
    let with_label = with(text, Reading { label: Some("kind".into()), ..Reading::default() }).unwrap();
    let labels = with_label.classes().unwrap();
    assert_eq!((&labels.codes[..], &labels.names[..]), (&[1, 0, 1][..], &["a".into(), "b".into()][..]));
    let one_hot = Reading { one_hot: vec!["kind".into()], ..Reading::default() };
    let hot = with(text, one_hot.clone()).unwrap();
    assert_eq!(values(&hot), [1.0, 0.0, 1.0, 2.0, 3.0, 1.0, 0.0, 4.0, 5.0, 0.0, 1.0, 6.0]);
    assert_eq!(hot.columns().unwrap(), ["x", "kind=a", "kind=b", "y"]);
    let again = one_hot.again(hot.table(), None);
    assert_eq!(values(&with("kind,y,x\na,9,8\n", again.clone()).unwrap()), [8.0, 1.0, 0.0, 9.0]);
    let error = with("kind,y,x\nc,9,8\n", again).unwrap_err().to_string();
    assert!(error.contains("'c'") && error.contains("expected a, b"), "{error}");
    // Numbers as labels are in the order of numbers.
    let digits =
        with("x,label\n1,10\n2,9\n", Reading { label: Some("label".into()), ..Reading::default() }).unwrap();
    assert_eq!((digits.labels().unwrap(), digits.row_len()), (&[1, 0][..], 1));
    let headless =
        with("1,b\n3,a\n", Reading { leave_out: vec!["column 2".into()], ..Reading::default() }).unwrap();
    assert_eq!(values(&headless), [1.0, 3.0]);
    let error =
        with(text, Reading { leave_out: vec!["sort".into()], ..Reading::default() }).unwrap_err().to_string();
    assert!(error.contains("data.leave_out") && error.contains("x, kind, y"), "{error}");
}

#[test]
fn later_tables_are_read_by_the_names_of_their_columns() {
    let reading = Reading { leave_out: vec!["id".into()], ..Reading::default() };
    let first = with("id,a,b\nr1,1,2\nr2,3,4\n", reading.clone()).unwrap();
    let again = reading.again(first.table(), None);
    for text in ["b,more,a\n2,word,1\n4,word,3\n", "a,b\n1,2\n3,4\n", "b,id,a\n2,x,1\n4,y,3\n", "1,2\n3,4\n"]
    {
        let data = with(text, again.clone()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(values(&data), [1.0, 2.0, 3.0, 4.0], "{text:?}");
    }
    let error = with("id,b\n1,2\n", again.clone()).unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("found id, b") && error.contains("'a'"), "{error}");
    let error = with("1,2,3,4\n", again).unwrap_err().to_string();
    assert!(error.contains("4 columns") && error.contains("3 as in training, or the 2 in use"), "{error}");
}

#[test]
fn numbers_with_units_are_told_from_words() {
    for text in
        ["a,b\n\"1,5\",2\n\"2,5\",3\n", "a,b\n$1,2\n$3,4\n", "a;b\n50%;2\n30%;4\n", "a,b\n1 000,2\n2 000,3\n"]
    {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("plain numbers") && !error.contains("one_hot"), "{text:?}: {error}");
    }
    let label = Reading { label: Some("a".into()), ..Reading::default() };
    let error = with("a,b,a\n1,2,3\n", label).unwrap_err().to_string();
    assert!(error.contains("several columns"), "{error}");
}

#[test]
fn columns_that_the_model_does_not_use_may_be_missing() {
    let first = parse("a,b,c\n1,2,3\n4,5,6\n").unwrap();
    let again = |needed: &[usize]| Reading {
        needed: Some(needed.to_vec()),
        ..Reading::default().again(first.table(), None)
    };
    let read = |text: &'static str| values(&with(text, again(&[0, 2])).unwrap());
    // Whole tables stay whole; the map of the run drops what it dropped before.
    assert_eq!(read("c,b,a\n3,2,1\n"), [1.0, 2.0, 3.0]);
    assert_eq!(read("c,a\n3,1\n"), [1.0, 3.0]);
    assert_eq!(read("1,3\n"), [1.0, 3.0]);
    let error = with("b,c\n2,3\n", again(&[0, 2])).unwrap_err().to_string();
    assert!(error.contains("expected a column 'a'"), "{error}");
}

#[test]
fn categories_are_read_as_samples_write_them() {
    let one_hot = Reading { one_hot: vec!["kind".into()], ..Reading::default() };
    let first = with("x,kind\n1,b\n2,a\n", one_hot.clone()).unwrap();
    let again = one_hot.again(first.table(), None);
    let data = with("kind=b,kind=a,x\n0,1,3\n0.9,0.1,4\n", again.clone()).unwrap();
    assert_eq!(values(&data), [3.0, 1.0, 0.0, 4.0, 0.1, 0.9]);
    let error = with("kind=b,x\n0,3\n", again).unwrap_err().to_string();
    assert!(error.contains("expected a column 'kind'"), "{error}");
}

#[test]
fn an_index_is_noticed() {
    let shuffled = parse(",a,b\n5,1.5,2\n3,2.5,3\n9,3,4\n").unwrap();
    assert_eq!(shuffled.row_len(), 2);
    assert!(shuffled.notes()[0].contains("the first column has no name"), "{:?}", shuffled.notes());
    let numbers = parse(",a\n5,1.5\n5,2.5\n").unwrap();
    assert_eq!((numbers.row_len(), numbers.notes().len()), (2, 0));
    let named = parse("id,a\n1,1.5\n2,2.5\n3,0.5\n").unwrap();
    assert_eq!(named.row_len(), 2);
    assert!(named.notes()[0].contains("'id', counts the rows"), "{:?}", named.notes());
}

#[test]
fn lines_are_counted_however_they_end() {
    for end in ["\n", "\r\n"] {
        let text = format!("a,b{end}1,2{end}3{end}").leak();
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{end:?}: {error}");
    }
    assert_eq!(values(&parse("a,b\r1,2\r3,4\r").unwrap()), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_table_is_described_column_by_column() {
    let text: &'static [u8] = b"a,kind,flag\n1.5,x,0\n,y,1\n2.5,x,1\n";
    let summary = describe(&|| Input::bytes("t", text), &Reading::default()).unwrap();
    let kinds: Vec<_> =
        summary.columns.iter().map(|column| (column.kind, column.missing, column.distinct)).collect();
    assert_eq!(kinds, [("number", 1, 2), ("text", 0, 2), ("0/1", 0, 2)]);
    let a = &summary.columns[0];
    assert_eq!((a.low, a.high, a.mean, a.deviation), (Some(1.5), Some(2.5), Some(2.0), Some(0.5)));
}

#[test]
fn tables_without_rows_are_refused() {
    for text in ["", "\n\n", "a,b\n"] {
        assert!(parse(text).unwrap_err().to_string().contains("without data"), "{text:?}");
    }
}
