//! The lecture on the command line.

use crate::common::{Folder, png_size};

#[test]
fn a_figure_is_redrawn_into_a_page_with_its_numbers() {
    let folder = Folder::new();
    let answer = folder.succeed("lecture ising-3x3 perturbed --quick --out l --json").json();
    let figures = answer["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 2);
    for figure in figures {
        assert!(
            figure["numbers"].as_array().unwrap().iter().all(|number| number["holds"] == true),
            "{figure}"
        );
    }
    let page = std::fs::read_to_string(folder.path("l/lecture.html")).unwrap();
    assert!(page.contains("href=\"#perturbed\"") && page.contains("id=\"ising-3x3\""));
    assert!(png_size(&folder.path("l/perturbed.png")).0 > 100);
    let text = folder.succeed("lecture ising-3x3 --quick --out l").stdout;
    assert!(text.contains("4 of 4 numbers as they should be"), "{text}");
}

#[test]
fn the_list_names_every_figure_and_a_wrong_name_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let list = folder.succeed("lecture --list --json").json();
    assert_eq!(list["figures"].as_array().unwrap().len(), enscore::lecture::FIGURES.len());
    let text = folder.succeed("lecture --list").stdout;
    assert!(enscore::lecture::FIGURES.iter().all(|figure| text.contains(figure.title)), "{text}");
    let refused = folder.run("lecture isings --out nowhere");
    assert_eq!((refused.code, refused.stderr.trim_end().lines().count()), (Some(2), 1), "{refused:?}");
    assert!(refused.stderr.contains("isings") && refused.stderr.contains("ising-denoising"), "{refused:?}");
    assert!(!folder.path("nowhere").exists());
}
