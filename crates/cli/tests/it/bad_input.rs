//! Bad input: one line on stderr that says what, where and what to do; exit code 2; nothing half-written.

use crate::common::Folder;

/// Runs `enscore` with arguments that must be refused; the line must hold every one of `parts`.
fn refused(folder: &Folder, arguments: &str, parts: &[&str]) {
    let before = folder.names();
    let ran = folder.run(arguments);
    assert_eq!(ran.code, Some(2), "enscore {arguments}: {ran:?}");
    assert_eq!((ran.stderr.lines().count(), ran.stdout.as_str()), (1, ""), "enscore {arguments}: {ran:?}");
    assert!(ran.stderr.starts_with("enscore: ") && ran.stderr.ends_with('\n'), "{ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "enscore {arguments}: no {part:?} in {}", ran.stderr);
    }
    assert_eq!(folder.names(), before, "enscore {arguments} left something");
}

fn idx(extents: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), values].concat()
}

const TRAIN: &str = "train unet.toml --out run --set data.path=";

#[test]
fn missing_and_damaged_data_is_refused_in_one_line() {
    let folder = Folder::new();
    refused(&folder, &format!("{TRAIN}nowhere"), &["no such data", "nowhere"]);
    refused(&folder, "train mlp.toml --out run --set data.name=nowhere", &["no such data", "digits, mnist"]);
    folder.write("cut.idx", &idx(&[2, 8, 8], &[1; 100]));
    refused(
        &folder,
        &format!("{TRAIN}cut.idx"),
        &["truncated", "cut.idx, byte 16", "100 bytes", "128 bytes"],
    );
    folder.write("huge.idx", &idx(&[1 << 20, 1 << 10, 1 << 10], &[1; 100]));
    refused(&folder, &format!("{TRAIN}huge.idx"), &["huge.idx", "1099511627776 bytes"]);
    let gzip = {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, &idx(&[1 << 20, 1 << 10, 1 << 10], &[1; 100])).unwrap();
        writer.finish().unwrap()
    };
    folder.write("huge.idx.gz", &gzip);
    refused(&folder, &format!("{TRAIN}huge.idx.gz"), &["huge.idx.gz", "1099511627776 bytes"]);
    let noise: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin().abs()).collect();
    let image = enscore::report::Image::from_unit(&noise, [8, 8, 1]).unwrap();
    let png = enscore::report::png::encode(&image).unwrap();
    folder.write("cut.png", &png[..png.len() / 2]);
    refused(&folder, &format!("{TRAIN}cut.png"), &["cut.png"]);
    folder.write("empty.csv", b"");
    refused(&folder, &format!("{TRAIN}empty.csv"), &["empty"]);
}

#[test]
fn numbers_that_are_none_are_named_by_row_and_column() {
    let folder = Folder::new();
    folder.write("nan.csv", b"height,width\n1,2\n3,NaN\n5,6\n");
    let parts = ["missing values", "nan.csv", "line 3", "column 2", "width"];
    refused(&folder, "train mlp.toml --out run --set data.path=nan.csv", &parts);
    refused(&folder, "suggest nan.csv", &parts);
    // A table is described all the same.
    let described = folder.succeed("data info nan.csv").stdout;
    assert!(
        described.contains("1 missing") && parts.iter().all(|part| described.contains(part)),
        "{described}"
    );
}

#[test]
fn files_that_would_run_code_are_not_opened() {
    let folder = Folder::new();
    folder.write("object.npy", &npy("|O", "(2,)", b"\x80\x04\x95"));
    refused(&folder, "data info object.npy", &["object.npy", "objects"]);
    folder.write("model.pkl", b"\x80\x04\x95");
    refused(&folder, "data info model.pkl", &["pickle", "never opened"]);
    folder.write("renamed.csv", b"\x80\x04\x95\x00\x01");
    refused(&folder, "suggest renamed.csv", &["pickle", "never opened"]);
}

#[test]
fn wrong_settings_are_refused_by_key_and_line() {
    let folder = Folder::new();
    refused(&folder, "train missing.toml", &["can't read the settings", "missing.toml"]);
    let train = "train unet.toml --out run --set ";
    refused(&folder, &format!("{train}objective.sigma_max=0.001"), &["sigma_min", "0.001"]);
    refused(
        &folder,
        &format!("{train}objective.sigma_min=1"),
        &["objective.sigma_min", "below sigma_max = 1"],
    );
    refused(&folder, &format!("{train}train.steps=many"), &["train.steps", "many", "an integer"]);
    refused(&folder, &format!("{train}train.stepz=3"), &["train.stepz", "did you mean train.steps?"]);
    refused(&folder, &format!("{train}steps"), &["--set steps", "table.key=value"]);
    folder.write("typo.toml", b"[data]\nname = \"digits\"\n[train]\nsteps = 3\nbacth = 4\n");
    refused(&folder, "train typo.toml", &["train.bacth", "typo.toml, line 5", "did you mean train.batch?"]);
    folder.write("broken.toml", b"[data\n");
    refused(&folder, "train broken.toml", &["not valid TOML", "line 1"]);
}

#[test]
fn data_beyond_the_network_or_the_memory_is_refused() {
    let folder = Folder::new();
    folder.write("seven.idx", &idx(&[20, 7, 7], &[1; 980].map(|_: u8| 3)));
    let seven = format!("{TRAIN}seven.idx --set model.multipliers=[1,2,2]");
    refused(&folder, &seven, &["7"]);
    refused(&folder, "train unet.toml --out run --set data.path=points.csv", &["[2]"]);
    let small = "train unet.toml --out run --set train.memory_limit_gib=0.001";
    refused(&folder, small, &["more memory than allowed", "train.memory_limit_gib", "0.001 GiB"]);
    refused(&folder, "train unet.toml --out run --set train.batch=1048576", &["memory"]);
}

#[test]
fn folders_and_options_that_do_not_fit_a_run_are_refused() {
    let folder = Folder::new();
    refused(&folder, "sample . --num 3", &["not a run folder"]);
    refused(&folder, "evaluate nowhere", &["not a run folder", "nowhere"]);
    refused(&folder, "train mlp.toml --out nowhere --resume", &["not a run folder"]);
    folder.succeed("train mlp.toml --out run --no-report");
    refused(&folder, "train mlp.toml --out run", &["a run is already there", "--resume"]);
    refused(&folder, "demo --out run", &["already run here", "run/report.html", "--out"]);
    refused(&folder, "train mlp.toml --out points.csv", &["not a folder"]);
    let other = "train mlp.toml --out run --resume --set model.hidden=[9]";
    refused(&folder, other, &["model.hidden", "found [9], expected [8]"]);
    refused(&folder, "evaluate run --metrics fid", &["--metrics", "fid", "mmd, sliced_wasserstein, frechet"]);
    refused(&folder, "evaluate run --data digits", &["shape does not match", "[8, 8, 1]", "[2]"]);
    refused(&folder, "sample run --out x.jpg", &["x.jpg", ".png, .svg, .pdf, .npy or .csv"]);
    refused(&folder, "sample run --out no/x.npy", &["no such folder"]);
    refused(&folder, "sample run --trajectory x.png", &["[2]"]);
    refused(&folder, "sample run --set train.steps=3", &["only sampler settings"]);
    refused(&folder, "sample run --num 4000000000", &["memory", "--seed"]);
    refused(&folder, "sample run --num 0", &["--num"]);
    folder.edit_settings("run", "points.csv", "gone.csv");
    refused(&folder, "evaluate run", &["gone.csv"]);
}

#[test]
fn a_checkpoint_of_another_shape_lists_every_tensor() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let tensors = folder.tensors("run", 40);
    folder.edit_settings("run", "hidden = [8]", "hidden = [9]");
    // The hidden layer and what reads it; each with two moments and an average.
    let depends = |name: &&str| name.contains("hidden.0.") || name.ends_with("output.weight");
    let other: Vec<&str> = tensors.keys().map(String::as_str).filter(depends).collect();
    assert_eq!(other.len(), 4 * 5, "{other:?}");
    refused(&folder, "sample run --num 3", &[&other[..], &["step-000000040", "[2, 8]", "[2, 9]"]].concat());
}

#[test]
fn a_damaged_checkpoint_is_refused_and_an_older_one_taken() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let path = "run/checkpoints/step-000000040/state.safetensors";
    let mut bytes = folder.read(path);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    folder.write(path, &bytes);
    let sampled = folder.succeed("sample run --num 3 --json").json();
    assert_eq!(sampled["step"], 30);
    assert!(sampled["warnings"][0].as_str().unwrap().contains("damaged file"), "{sampled}");
    folder.write("run/checkpoints/step-000000030/state.safetensors", b"");
    refused(&folder, "sample run --num 3", &["no checkpoint of this run is intact", "SHA-256"]);
}

#[test]
fn unknown_commands_are_refused() {
    let folder = Folder::new();
    refused(&folder, "", &["no command given", "enscore --help"]);
    refused(&folder, "trian mlp.toml", &["trian", "train"]);
    refused(&folder, "train", &["SETTINGS", "usage: enscore train"]);
    refused(&folder, "train mlp.toml --sed 3", &["--sed", "--seed"]);
    refused(&folder, "train mlp.toml --seed -3", &["-3"]);
    refused(&folder, "train mlp.toml --threads many", &["many", "--threads"]);
    refused(&folder, "suggest digits --rule mine", &["mine", "algorithm1"]);
    refused(&folder, "suggest digits --sigma-min 100", &["sigma_min"]);
    refused(&folder, "data fetch nothing", &["nothing", "mnist"]);
}
