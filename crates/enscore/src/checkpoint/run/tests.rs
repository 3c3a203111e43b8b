//! Runs through crashes: what each leaves on disk, and that a whole checkpoint is found after it.

use super::super::TensorData;
use super::super::manifest::tests::example as manifest;
use super::super::place::LOCK;
use super::*;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs").join("a");
    Place { _folder: folder, path }
}

fn tensors(step: u64) -> Tensors {
    let mut tensors = Tensors::new();
    tensors.insert("w", &[2], TensorData::F32(vec![step as f32, 0.5])).unwrap();
    tensors
}

fn progress(step: u64) -> Progress {
    let metrics = MetricsMark { bytes: 10 * step, lines: step, ..Default::default() };
    Progress { metrics, closing: None, seconds: 0.5 * step as f64, key: Key::new(3, step) }
}

/// A run with checkpoints of these steps.
fn run(place: &Place, steps: &[u64]) -> Run {
    let run = Run::create(&place.path, "a = 1\n", &manifest()).unwrap();
    for step in steps {
        run.save_checkpoint(*step, &tensors(*step), progress(*step)).unwrap();
    }
    run
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.expect_err("refused");
    assert!(error.reason.is_refusal(), "{error}");
    error.to_string()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names = names_in(folder).unwrap();
    names.sort();
    names
}

#[test]
fn a_run_is_created_saved_and_opened() {
    let place = place();
    let created = run(&place, &[]);
    assert_eq!(created.folder().latest_checkpoint().unwrap(), None);
    for step in [500, 1000, 1500] {
        created.save_checkpoint(step, &tensors(step), progress(step)).unwrap();
    }
    let checkpoints = place.path.join(CHECKPOINTS);
    assert_eq!(names(&place.path), [CHECKPOINTS, LOCK, MANIFEST, SAMPLES, SETTINGS]);
    assert_eq!(names(&checkpoints), [LATEST, "step-000001000", "step-000001500"]);
    assert_eq!(names(&checkpoints.join("step-000001500")), [MANIFEST, STATE]);
    assert!(fs::read_to_string(checkpoints.join(LATEST)).unwrap().starts_with("step-000001500 "));
    drop(created);
    let said = message(Run::open(&checkpoints.join("step-000001500")));
    assert!(said.starts_with("a checkpoint, not a run folder"), "{said}");
    let opened = Run::open(&place.path).unwrap();
    assert_eq!(opened.folder().manifest(), &manifest());
    let loaded = opened.folder().latest_checkpoint().unwrap().unwrap();
    assert_eq!((loaded.step, &loaded.tensors, loaded.warnings.len()), (1500, &tensors(1500), 0));
    let recorded = loaded.manifest;
    assert_eq!((recorded.metrics, recorded.seconds), (progress(1500).metrics, 750.0));
    assert_eq!(Key::from(recorded.key), Key::new(3, 1500));
    opened.write_settings("a = 2\n").unwrap();
    assert!(fs::read_to_string(opened.folder().settings_path()).unwrap().starts_with("a = 2\n# sha256 "));
}

#[test]
fn the_state_of_a_checkpoint_has_reproducible_bytes() {
    let first = place();
    let second = place();
    let bytes = |place: &Place, seconds: f64| {
        let run = run(place, &[]);
        run.save_checkpoint(7, &tensors(7), Progress { seconds, ..progress(7) }).unwrap();
        fs::read(run.folder().checkpoint_path(7).join(STATE)).unwrap()
    };
    assert_eq!(bytes(&first, 1.0), bytes(&second, 2.0));
}

#[test]
fn places_that_hold_something_else_are_refused() {
    let place = place();
    let create = || Run::create(&place.path, "", &manifest());
    let at = place.path.display();
    assert_eq!(
        message(Run::open(&place.path)),
        format!(
            "not a run folder: {at}: expected a folder with manifest.json; give a folder written by enscore train"
        )
    );
    assert!(!place.path.exists());
    fs::create_dir_all(&place.path).unwrap();
    fs::write(place.path.join("thesis.tex"), "").unwrap();
    assert_eq!(
        message(create()),
        format!(
            "the folder isn't empty: {at}: found thesis.tex, expected a new or empty folder; choose another folder"
        )
    );
    assert_eq!(names(&place.path), ["thesis.tex"]);
    fs::remove_dir_all(&place.path).unwrap();
    fs::write(&place.path, "").unwrap();
    assert_eq!(
        message(create()),
        format!("not a folder: {at}: expected a new folder; choose another folder")
    );
    assert!(message(Run::open(&place.path)).starts_with("not a run folder"));
}

#[test]
fn a_run_may_have_the_name_of_a_checkpoint() {
    let Place { _folder, path } = place();
    let place = Place { _folder, path: path.with_file_name("step-1") };
    drop(run(&place, &[3]));
    assert!(Run::open(&place.path).is_ok());
}

#[test]
fn an_existing_run_is_not_written_over() {
    let place = place();
    drop(run(&place, &[3]));
    assert_eq!(
        message(Run::create(&place.path, "", &manifest())),
        format!("a run is already there: {}; resume it, or choose another folder", place.path.display())
    );
    assert!(Run::open(&place.path).unwrap().folder().latest_checkpoint().unwrap().is_some());
}

#[test]
fn two_trainings_cannot_write_one_run() {
    let place = place();
    let first = run(&place, &[3]);
    assert_eq!(
        message(Run::open(&place.path)),
        format!(
            "another process is training this run: {}: found process {}; wait for it to finish, or choose \
             another folder",
            place.path.display(),
            std::process::id()
        )
    );
    assert_eq!(RunFolder::open(&place.path).unwrap().latest_checkpoint().unwrap().unwrap().step, 3);
    drop(first);
    assert!(Run::open(&place.path).is_ok());
}

#[test]
fn a_creation_that_was_cut_is_done_again() {
    let place = place();
    drop(run(&place, &[]));
    fs::remove_file(place.path.join(MANIFEST)).unwrap();
    fs::write(place.path.join(".tmp-1-0-manifest.json"), "{").unwrap();
    let said = message(Run::open(&place.path));
    assert!(
        said.starts_with("not a run folder") && said.ends_with("start it again in this folder"),
        "{said}"
    );
    drop(run(&place, &[1]));
    assert_eq!(names(&place.path), [CHECKPOINTS, LOCK, MANIFEST, SAMPLES, SETTINGS]);
}

#[test]
fn what_a_crash_left_is_removed_on_opening() {
    let place = place();
    drop(run(&place, &[1]));
    let checkpoints = place.path.join(CHECKPOINTS);
    fs::create_dir(checkpoints.join(".tmp-step-000000002")).unwrap();
    fs::write(checkpoints.join(".tmp-step-000000002").join(STATE), "cut").unwrap();
    fs::create_dir(checkpoints.join(".tmp-old-step-000000000")).unwrap();
    fs::write(checkpoints.join(".tmp-9-0-latest"), "step").unwrap();
    assert_eq!(RunFolder::open(&place.path).unwrap().latest_checkpoint().unwrap().unwrap().step, 1);
    assert_eq!(names(&checkpoints).len(), 5);
    let opened = Run::open(&place.path).unwrap();
    assert_eq!(names(&checkpoints), [LATEST, "step-000000001"]);
    opened.save_checkpoint(2, &tensors(2), progress(2)).unwrap();
    assert_eq!(opened.folder().latest_checkpoint().unwrap().unwrap().step, 2);
}

#[test]
fn a_crash_before_latest_is_replaced_keeps_the_checkpoint_it_names() {
    let place = place();
    let run = run(&place, &[1, 2]);
    let latest = place.path.join(CHECKPOINTS).join(LATEST);
    fs::write(&latest, "step-000000001\n").unwrap();
    let loaded = run.folder().latest_checkpoint().unwrap().unwrap();
    assert_eq!((loaded.step, loaded.warnings.len()), (1, 0));
    fs::remove_file(&latest).unwrap();
    let loaded = run.folder().latest_checkpoint().unwrap().unwrap();
    assert_eq!((loaded.step, loaded.warnings), (2, vec![format!("{} is missing", latest.display())]));
    for wrong in ["step-000000009\n", "../step-000000002\n", "step-2", ""] {
        fs::write(&latest, wrong).unwrap();
        let loaded = run.folder().latest_checkpoint().unwrap().unwrap();
        assert_eq!((loaded.step, loaded.warnings.len()), (2, 1), "{wrong}");
        let said = &loaded.warnings[0];
        assert!(said.ends_with("which doesn't exist") || said.contains("was changed"), "{said}");
    }
}

#[test]
fn damaged_checkpoints_are_passed_over_with_a_warning() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 6] = [
        ("damaged file: ", |folder| {
            let mut bytes = fs::read(folder.join(STATE)).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(folder.join(STATE), bytes).unwrap();
        }),
        ("damaged file: ", |folder| fs::write(folder.join(STATE), "").unwrap()),
        ("can't read: ", |folder| fs::remove_file(folder.join(STATE)).unwrap()),
        ("can't read: ", |folder| fs::remove_file(folder.join(MANIFEST)).unwrap()),
        ("not a manifest", |folder| fs::write(folder.join(MANIFEST), "{\"format\": 1").unwrap()),
        ("the file was changed after it was written: ", |folder| {
            let text = fs::read_to_string(folder.join(MANIFEST)).unwrap();
            fs::write(folder.join(MANIFEST), text.replacen("\"step\": ", "\"step\": 9", 1)).unwrap();
        }),
    ];
    for (warning, damage) in damages {
        let place = place();
        let run = run(&place, &[1, 2]);
        damage(&run.folder().checkpoint_path(2));
        let loaded = run.folder().latest_checkpoint().unwrap().unwrap();
        assert_eq!((loaded.step, &loaded.tensors, loaded.warnings.len()), (1, &tensors(1), 1));
        assert!(loaded.warnings[0].starts_with(warning), "{}", loaded.warnings[0]);
        // The training goes on from step 1: what is damaged makes way, and step 1 is still kept.
        run.save_checkpoint(2, &tensors(2), progress(2)).unwrap();
        assert_eq!(run.folder().latest_checkpoint().unwrap().unwrap().step, 2);
        damage(&run.folder().checkpoint_path(1));
        damage(&run.folder().checkpoint_path(2));
        assert!(
            message(run.folder().latest_checkpoint()).starts_with("no checkpoint of this run is intact: ")
        );
    }
}

#[test]
fn falling_back_drops_the_later_checkpoint_and_keeps_the_good_one() {
    let place = place();
    let run = run(&place, &[10, 20]);
    fs::write(run.folder().checkpoint_path(20).join(STATE), "").unwrap();
    run.save_checkpoint(15, &tensors(15), progress(15)).unwrap();
    let left = ["latest", "step-000000010", "step-000000015"];
    assert_eq!(names(&place.path.join(CHECKPOINTS)), left);
}

#[test]
fn a_checkpoint_by_a_newer_version_is_refused_and_not_passed_over() {
    let place = place();
    let run = run(&place, &[1, 2]);
    let path = run.folder().checkpoint_path(2).join(MANIFEST);
    fs::write(&path, "{\"format\": 2, \"enscore\": \"7.0.0\"}").unwrap();
    let expected = "found format 2, expected format 1 or older; use enscore 7.0.0 or newer";
    assert_eq!(
        message(run.folder().latest_checkpoint()),
        format!("written by a newer enscore: {}: {expected}", path.display())
    );
}
