//! Keys of `[data]` that say how files are read.

use enscore::data::{Dataset, Split, load_as, rows_of};
use enscore::evaluate::{rows_for, run_data};
use enscore::settings::Settings;
use enscore::trained::Trained;
use png::{BitDepth, ColorType};

use crate::common::runs::Folder;

const TABLE: &str = "id,x,kind,y\n1,0.5,b,2\n2,1.5,a,4\n3,2.5,b,7\n4,3.5,c,9\n5,0.5,b,3\n6,1.5,a,4\n";

fn settings(folder: &Folder, file: &str, content: &[u8], changes: &[&str]) -> Settings {
    std::fs::write(folder.path(file), content).unwrap();
    let path = format!("data.path={}", folder.path(file).display());
    folder.settings("ssm-mlp", &[&[&path[..]], changes].concat())
}

fn read(file: &str, content: &[u8], changes: &[&str]) -> Dataset {
    let folder = Folder::new();
    load_as(settings(&folder, file, content, changes).data(), Split::Train)
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn labels_and_categories_are_columns_of_words() {
    let data = read("t.csv", TABLE.as_bytes(), &["data.label=kind", "data.leave_out=['id']"]);
    assert_eq!(data.columns().unwrap(), ["x", "y"]);
    assert_eq!(data.labels().unwrap(), [1, 0, 1, 2, 1, 0]);
    let data = read("t.csv", TABLE.as_bytes(), &["data.one_hot=['kind']"]);
    assert_eq!(data.columns().unwrap(), ["id", "x", "kind=a", "kind=b", "kind=c", "y"]);
}

#[test]
fn missing_values_are_settled_as_asked() {
    let table = b"x,y\n1,2\n?,4\n3,6\n";
    assert_eq!(read("t.csv", table, &["data.missing=drop"]).rows(), 2);
    let mut row = [0.0; 2];
    read("t.csv", table, &["data.missing=mean"]).copy_row_f64(1, &mut row).unwrap();
    assert_eq!(row, [2.0, 4.0]);
    let folder = Folder::new();
    let refused =
        load_as(settings(&folder, "t.csv", table, &[]).data(), Split::Train).unwrap_err().to_string();
    assert!(refused.starts_with("missing values") && refused.contains("line 3, column 1 ('x')"), "{refused}");
}

#[test]
fn the_first_row_is_names_or_data_as_asked() {
    let table = b"0,1\n2,3\n4,5\n";
    assert_eq!(read("t.csv", table, &[]).rows(), 3);
    assert_eq!(read("t.csv", table, &["data.header=none"]).rows(), 3);
    let named = read("t.csv", table, &["data.header=first-row"]);
    assert_eq!((named.rows(), named.columns().unwrap()), (2, &["0".to_string(), "1".to_string()][..]));
}

#[test]
fn rows_have_the_shape_that_is_asked_for() {
    let table = b"1,2,3,4,5,6\n6,5,4,3,2,1\n";
    assert_eq!(read("t.csv", table, &["data.shape=[2, 3]"]).row_shape(), [2, 3, 1]);
    assert_eq!(read("t.csv", table, &["data.shape=[1, 2, 3]"]).row_shape(), [1, 2, 3]);
    let folder = Folder::new();
    let wrong = settings(&folder, "t.csv", table, &["data.shape=[2, 2]"]);
    let error = load_as(wrong.data(), Split::Train).unwrap_err().to_string();
    assert!(error.contains("6 values per row"), "{error}");
}

#[test]
fn pictures_have_the_size_and_colours_that_are_asked_for() {
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, 4, 2);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&[90; 24]).unwrap();
    let shape = |changes: &[&str]| read("p.png", &picture, changes).row_shape().to_vec();
    assert_eq!(shape(&[]), [2, 4, 3]);
    assert_eq!(shape(&["data.size=[2, 2]"]), [2, 2, 3]);
    assert_eq!(shape(&["data.colour=grey"]), [2, 4, 1]);
    assert_eq!(shape(&["data.colour=rgba"]), [2, 4, 4]);
    let folder = Folder::new();
    let table = settings(&folder, "t.csv", b"1,2\n3,4\n", &["data.size=[1, 2]"]);
    let error = load_as(table.data(), Split::Train).unwrap_err().to_string();
    assert!(error.contains("data.size"), "{error}");
}

/// The file that a run was trained on, and files like it with their columns in another order or only those
/// that it uses, are read as its training rows were.
#[test]
fn a_run_reads_files_like_its_own() {
    let changes = ["data.leave_out=['id']", "data.label=kind", "data.preprocess=whiten", "train.batch=4"];
    let folder = Folder::new();
    let run = folder.train("run", &settings(&folder, "t.csv", TABLE.as_bytes(), &changes));
    let trained = Trained::open(run.path(), &[]).unwrap();
    let own = run_data(&trained, None).unwrap().training;
    let moved: Vec<String> = TABLE
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| format!("{},new,{},{}", cells[3], cells[2], cells[1]).replace("new", "n"))
        .collect();
    let bare = TABLE.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let bare: Vec<String> = bare.map(|cells| format!("{},{}", cells[1], cells[3])).collect();
    for (name, text) in
        [("same.csv", TABLE.to_string()), ("moved.csv", moved.join("\n")), ("bare.csv", bare.join("\n"))]
    {
        std::fs::write(folder.path(name), text).unwrap();
        let rows = rows_for(&trained, &folder.path(name).display().to_string()).unwrap();
        for row in own.rows() {
            let [mut mine, mut theirs] = [[0.0; 2]; 2];
            own.dataset().copy_row_f64(*row as usize, &mut mine).unwrap();
            rows.dataset().copy_row_f64(*row as usize, &mut theirs).unwrap();
            assert_eq!(mine, theirs, "{name}");
        }
    }
    std::fs::write(folder.path("other.csv"), "x,z\n1,2\n").unwrap();
    let error = rows_for(&trained, &folder.path("other.csv").display().to_string()).unwrap_err().to_string();
    assert!(error.contains("column that the run was trained on is missing"), "{error}");
}

/// A run of pictures takes them as flat rows, as its samples are written to tables.
#[test]
fn a_run_of_pictures_reads_flat_rows() {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings("ncsn-unet", &[]));
    let trained = Trained::open(run.path(), &[]).unwrap();
    let shape = trained.model.data.row_shape.clone();
    let len: usize = shape.iter().product();
    let row = |r: usize| (0..len).map(|i| (((r + i) % 17) as f64 / 16.0).to_string()).collect::<Vec<_>>();
    let text: Vec<String> = (0..5).map(|r| row(r).join(",")).collect();
    std::fs::write(folder.path("flat.csv"), text.join("\n")).unwrap();
    let rows = rows_for(&trained, &folder.path("flat.csv").display().to_string()).unwrap();
    assert_eq!((rows.dataset().row_shape(), rows.rows().len()), (&shape[..], 5));
}

/// Greys are refused, are the units' values, or are probabilities of bits: every batch draws its own, all
/// other rows are drawn once.
#[test]
fn grey_values_are_what_they_are_asked_to_be() {
    let folder = Folder::new();
    let row = |r: usize| (0..4).map(move |c| format!("{}", ((3 * r + 5 * c) % 11) as f64 / 10.0));
    let text: Vec<String> = (0..40).map(|r| row(r).collect::<Vec<_>>().join(",")).collect();
    std::fs::write(folder.path("g.csv"), text.join("\n")).unwrap();
    let path = format!("data.path={}", folder.path("g.csv").display());
    let asked = |grey: &str| folder.settings("rbm-tempered", &[&path, "data.binarise=false", grey]);
    let error = folder.ask("refused", &asked("data.grey=refuse"), false, None).unwrap_err().to_string();
    assert!(error.contains("data.grey"), "{error}");
    let values = |run: &crate::common::runs::Run| {
        let trained = Trained::open(run.path(), &[]).unwrap();
        let data = run_data(&trained, None).unwrap();
        let other = rows_for(&trained, &folder.path("g.csv").display().to_string()).unwrap();
        [
            rows_of(&data.training, 40).unwrap(),
            rows_of(&data.held_out, 40).unwrap(),
            rows_of(&other, 40).unwrap(),
        ]
    };
    let greys = folder.train("greys", &asked("data.grey=probabilities"));
    let is_bits = |values: &[f32]| values.iter().all(|v| *v == 0.0 || *v == 1.0);
    assert!(values(&greys).iter().all(|rows| !is_bits(rows)));
    let bits = folder.train("bits", &asked("data.grey=bits"));
    assert!(values(&bits).iter().all(|rows| is_bits(rows)));
    assert_eq!(values(&bits), values(&bits));
    let last = *bits.checkpoints().last().unwrap();
    assert_ne!(greys.state(last), bits.state(last));
    folder.stopped("stopped", &asked("data.grey=bits"), last / 2);
    assert_eq!(folder.resumed("stopped", &asked("data.grey=bits")).state(last), bits.state(last));
    let wrong = folder.settings("ncsn-mlp", &[&path, "data.grey=bits"]);
    let error = folder.ask("wrong", &wrong, false, None).unwrap_err().to_string();
    assert!(error.contains("a model of values in {0, 1}"), "{error}");
}
