//! The lecture's figures at quick size: every number beside its truth.

use enscore::Reason;
use enscore::lecture::{FIGURES, Number, Request, Size, figure, redraw};
use enscore::report::PictureFormat;
use std::collections::BTreeSet;

fn request<'a>(figures: &'a [String], out: &'a std::path::Path) -> Request<'a> {
    Request { figures, out, format: PictureFormat::Png, size: Size::Quick, seed: 0 }
}

#[test]
fn every_number_is_what_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let (redrawn, page) = redraw(&request(&[], folder.path()), &|| None, &mut |_, _, _| Ok(())).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    let mut wrong = Vec::new();
    for figure in &redrawn {
        assert!(page.contains(&format!("id=\"{}\"", figure.name)), "{}", figure.name);
        assert!(!figure.drawn.numbers.is_empty() && !figure.files.is_empty(), "{}", figure.name);
        assert!(figure.files.iter().all(|file| file.is_file()), "{}", figure.name);
        let found = figure.drawn.numbers.iter().filter(|number| !number.holds());
        wrong.extend(found.map(|number| format!("{}: {number:?}", figure.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(redrawn.len(), FIGURES.len());
    assert_eq!(page.matches("class=\"bad\"").count(), 0);
}

#[test]
fn figures_have_names_of_their_own_and_an_unknown_one_is_refused() {
    let names: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    assert_eq!((names.len(), FIGURES.len()), (18, 18));
    let error = figure("isings").err().unwrap();
    assert!(error.to_string().contains("\"isings\"") && error.to_string().contains("ising-3x3"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let wanted = ["perturbed".to_string(), "isings".to_string()];
    let refused = redraw(&request(&wanted, folder.path()), &|| None, &mut |_, _, _| panic!("it ran"));
    assert!(refused.is_err_and(|error| error.reason == Reason::Input));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_signal_ends_the_lecture_and_keeps_what_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = ["ising-3x3".to_string(), "perturbed".to_string()];
    let began = std::cell::Cell::new(0);
    let stop = || (began.get() == 2).then_some(2);
    let ended = redraw(&request(&wanted, folder.path()), &stop, &mut |index, _, _| {
        began.set(index + 1);
        Ok(())
    });
    assert!(ended.is_err_and(|error| error.reason == Reason::Interrupted(2)));
    assert!(folder.path().join("ising-3x3.png").is_file() && !folder.path().join("perturbed.png").exists());
}

#[test]
fn a_number_holds_only_where_it_should() {
    assert!(Number::beside("", 1.0, 1.1, 0.2).holds() && !Number::beside("", 1.0, 1.3, 0.2).holds());
    assert!(Number::below("", 1.0, 1.1).holds() && !Number::below("", 1.1, 1.1).holds());
    assert!(Number::above("", 1.1, 1.0).holds() && !Number::above("", 1.0, 1.0).holds());
    for nan in [Number::beside("", f64::NAN, 0.0, 1.0), Number::below("", f64::NEG_INFINITY, 0.0)] {
        assert!(!nan.holds(), "{nan:?}");
    }
}
