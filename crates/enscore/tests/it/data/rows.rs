//! Rows on their way to a model: scale, bits, noise between levels, fingerprints, orders of epochs, splits.

use enscore::data::{
    BatchOrder, Dataset, Scale, Split, Subset, Values, digits, load, load_as, permutation, split,
};
use enscore::settings::Settings;

fn dataset(width: usize, values: Values) -> Dataset {
    Dataset::new("t", "t", &[width], values).unwrap()
}

fn row(data: &Dataset, row: usize) -> Vec<f32> {
    let mut out = vec![9.0; data.row_len()];
    data.copy_row(row, &mut out).unwrap();
    out
}

fn row_f64(data: &Dataset, row: usize) -> Vec<f64> {
    let mut out = vec![9.0; data.row_len()];
    data.copy_row_f64(row, &mut out).unwrap();
    out
}

/// Each width of raw values takes a path of its own to the scaled ones.
#[test]
fn every_width_is_scaled_row_by_row() {
    let scale = Scale::range(2.0, 10.0);
    let widths = [
        Values::U8(vec![2, 4, 6, 10, 8, 3]),
        Values::F32(vec![2.0, 4.0, 6.0, 10.0, 8.0, 3.0]),
        Values::F64(vec![2.0, 4.0, 6.0, 10.0, 8.0, 3.0]),
    ];
    for values in widths {
        let plain = dataset(3, values.clone());
        assert_eq!(row(&plain, 1), [10.0, 8.0, 3.0]);
        assert_eq!(row_f64(&plain, 0), [2.0, 4.0, 6.0]);
        let scaled = plain.with_scale(scale).unwrap();
        assert_eq!(row(&scaled, 0), [0.0, 0.25, 0.5], "{values:?}");
        assert_eq!(row(&scaled, 1), [1.0, 0.75, 0.125], "{values:?}");
        assert_eq!(row_f64(&scaled, 1), [1.0, 0.75, 0.125], "{values:?}");
    }
}

#[test]
fn half_of_the_scale_is_a_one() {
    let cases = [
        (Values::U8(vec![0, 127, 128, 255]), Scale::quantised(256), [0, 0, 1, 1]),
        (Values::U8(vec![0, 1, 2, 1]), Scale::quantised(3), [0, 1, 1, 1]),
        (Values::F32(vec![-1.0, 0.999, 1.0, 3.0]), Scale::range(-1.0, 3.0), [0, 0, 1, 1]),
        (Values::F64(vec![0.0, 0.5, 0.499_999, 1.0]), Scale::NONE, [0, 1, 0, 1]),
    ];
    for (values, scale, expected) in cases {
        let data = dataset(2, values).with_scale(scale).unwrap().with_labels(vec![4, 7]).unwrap();
        let bits = data.with_columns(vec!["a".into(), "b".into()]).unwrap().binarised().unwrap();
        assert_eq!(bits.values(), &Values::U8(expected.to_vec()));
        assert_eq!((bits.scale(), bits.rows()), (Scale::quantised(2), 2));
        // What is not changed stays.
        assert_eq!(
            (bits.labels().unwrap(), bits.columns().unwrap()),
            (&[4, 7][..], &["a".into(), "b".into()][..])
        );
    }
}

/// Bits of every digit of each split, where the settings ask for them; else the levels.
#[test]
fn data_are_made_bits_where_the_settings_say_so() {
    let all = digits().unwrap();
    let Values::U8(levels) = all.values() else { panic!("not bytes") };
    for (which, first, rows) in [(Split::Train, 0, 1500), (Split::Test, 1500, 297)] {
        let levels = &levels[first * 64..][..rows * 64];
        let of = |binarise: bool| {
            let text = format!("data = {{ name = 'digits', binarise = {binarise} }}\nmodel.kind = 'mlp'");
            load_as(Settings::parse(&text, "t.toml", &[]).unwrap().data(), which).unwrap()
        };
        let bits: Vec<u8> = levels.iter().map(|level| if *level >= 8 { 1 } else { 0 }).collect();
        assert_eq!((of(true).values(), of(true).scale()), (&Values::U8(bits), Scale::quantised(2)));
        assert_eq!(
            (of(false).values(), of(false).scale()),
            (&Values::U8(levels.to_vec()), Scale::quantised(17))
        );
        assert_eq!(
            load("digits", which).unwrap().labels().unwrap(),
            &all.labels().unwrap()[first..first + rows]
        );
    }
}

/// Level k of L lies in the k-th of L equal parts, whatever the raw values of the levels are.
#[test]
fn noise_fills_the_gap_of_its_own_level() {
    for (values, scale) in [
        (Values::U8(vec![0, 1, 3, 2]), Scale::quantised(4)),
        (Values::F32(vec![-3.0, -1.0, 3.0, 1.0]), Scale { low: -3.0, high: 3.0, levels: Some(4) }),
    ] {
        let data = dataset(2, values).with_scale(scale).unwrap();
        let mut out = [0.0; 2];
        data.copy_row_dequantised(0, &[0.0, 0.25], &mut out).unwrap();
        assert_eq!(out, [0.0, 1.25 / 4.0]);
        data.copy_row_dequantised(1, &[1.0, 0.5], &mut out).unwrap();
        assert_eq!(out, [1.0, 2.5 / 4.0]);
    }
}

/// Every single value, in every width and in every block that is hashed, and shape, rows and each part of the
/// scale.
#[test]
fn the_fingerprint_changes_with_every_value_and_with_the_scale() {
    let count = 2 * 1030;
    let bytes: Vec<u8> = (0..count).map(|i| (i % 200) as u8).collect();
    let floats: Vec<f64> = bytes.iter().map(|v| f64::from(*v)).collect();
    let base = [dataset(2, Values::U8(bytes.clone())), dataset(2, Values::F64(floats.clone()))]
        .map(|d| d.fingerprint());
    assert_ne!(base[0], base[1]);
    for at in [0, 1, 1023, 1024, 1025, 2047, 2048, count - 1] {
        let (mut other_bytes, mut other_floats) = (bytes.clone(), floats.clone());
        other_bytes[at] += 1;
        other_floats[at] += 1e-9;
        assert_ne!(dataset(2, Values::U8(other_bytes)).fingerprint(), base[0], "byte {at}");
        assert_ne!(dataset(2, Values::F64(other_floats)).fingerprint(), base[1], "number {at}");
    }
    let scaled = |low, high, levels| {
        let data = dataset(2, Values::F64(vec![0.0, 1.0, 3.0, 2.0]));
        data.with_scale(Scale { low, high, levels }).unwrap().fingerprint()
    };
    let found = [
        scaled(0.0, 3.0, None),
        scaled(0.0, 3.0, Some(4)),
        scaled(0.0, 3.0, Some(7)),
        scaled(-1.0, 3.0, None),
        scaled(0.0, 4.0, None),
    ];
    let different: std::collections::BTreeSet<&String> = found.iter().collect();
    assert_eq!(different.len(), found.len());
    let shapes = [&[4][..], &[2, 2, 1], &[1, 4, 1], &[4, 1, 1], &[1, 2, 2], &[2]];
    let of_shape =
        |shape: &&[usize]| Dataset::new("t", "t", shape, Values::U8(vec![1, 2, 3, 4])).unwrap().fingerprint();
    let different: std::collections::BTreeSet<String> = shapes.iter().map(of_shape).collect();
    assert_eq!(different.len(), shapes.len());
}

/// Step after step takes the rows that the permutation of its own epoch says, across the ends of epochs.
#[test]
fn batches_take_the_permutation_of_each_epoch_in_turn() {
    let data = dataset(1, Values::U8(vec![0; 40]));
    let rows: Vec<u32> = (0..11).map(|i| 3 * i + 2).collect();
    let subset = Subset::new(&data, rows.clone()).unwrap();
    for (seed, batch) in [(1, 4), (9, 11), (9, 25), (3, 1)] {
        let mut order = BatchOrder::new(&subset, seed);
        let taken: Vec<u32> = (0..12).flat_map(|step| order.batch_rows(step, batch)).collect();
        let epochs = (12 * batch as u64).div_ceil(11);
        let expected: Vec<u32> = (0..epochs)
            .flat_map(|epoch| permutation(seed, epoch, 11))
            .map(|place| rows[place as usize])
            .take(taken.len())
            .collect();
        assert_eq!(taken, expected, "seed {seed}, batches of {batch}");
    }
    let epochs: Vec<Vec<u32>> = (0..4).map(|epoch| permutation(1, epoch, 11)).collect();
    assert!((0..4).all(|i| (0..i).all(|j| epochs[i] != epochs[j])), "every epoch has an order of its own");
}

#[test]
fn parts_have_the_sizes_that_were_asked_for_and_depend_on_the_seed() {
    let data = dataset(1, Values::U8(vec![0; 29]));
    let parts = split(&data, 0.2, 0.1, 5).unwrap();
    let [validation, test] =
        [&parts.validation, &parts.test].map(|part| part.as_ref().unwrap().rows().to_vec());
    // 29 / 10 rounds to 3; 26 / 5 to 5.
    assert_eq!((test.len(), validation.len(), parts.training.rows().len()), (3, 5, 21));
    let mut all = [parts.training.rows(), &validation, &test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..29).collect::<Vec<u32>>());
    for seed in [6, 7, 8] {
        let other = split(&data, 0.2, 0.1, seed).unwrap();
        assert_ne!(other.test.unwrap().rows(), test, "seed {seed}");
        assert_ne!(other.validation.unwrap().rows(), validation, "seed {seed}");
    }
    // The rows held out for testing are the same whether some are held out for validation or not, and the
    // other way round.
    assert_eq!(split(&data, 0.0, 0.1, 5).unwrap().test.unwrap().rows(), test);
}
