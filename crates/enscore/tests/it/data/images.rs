//! PNG images of every colour and depth, and folders of them: every sample in its place, transparency refused
//! to the last bit.

use std::path::Path;

use enscore::data::{Scale, Split, Values, load};
use enscore::ising::read_binary_image;
use png::{BitDepth, ColorType};

const PALETTE: [u8; 12] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];

/// A PNG file of samples packed as its format has them.
fn png(size: [u32; 2], color: ColorType, depth: BitDepth, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size[0], size[1]);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        encoder.set_palette(PALETTE.to_vec());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(packed).unwrap();
    writer.finish().unwrap();
    out
}

fn read(bytes: &[u8]) -> enscore::Result<enscore::data::Dataset> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, bytes).unwrap();
    load(path.to_str().unwrap(), Split::Train)
}

/// Three columns, two rows; every pixel another.
#[test]
fn every_sample_is_in_its_place() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    let wide: Vec<u8> = (0..12).map(|i| i * 7 + 1).collect();
    let sixteen = |bytes: &[u8]| -> Values {
        Values::F32(bytes.chunks(2).map(|pair| f32::from(pair[0]) * 256.0 + f32::from(pair[1])).collect())
    };
    let (rgb, rgb16): (Vec<u8>, Vec<u8>) = ((0..18).collect(), (0..36).map(|i| i * 5 + 2).collect());
    let of_palette = |indices: [usize; 6]| -> Values {
        Values::U8(indices.iter().flat_map(|i| PALETTE[3 * i..3 * i + 3].to_vec()).collect())
    };
    // Fewer than 8 bits: rows begin at whole bytes; level k of L is 255 k / (L - 1).
    let cases: Vec<(ColorType, BitDepth, Vec<u8>, Values)> = vec![
        (
            ColorType::Grayscale,
            One,
            vec![0b0110_0000, 0b1010_0000],
            Values::U8(vec![0, 255, 255, 255, 0, 255]),
        ),
        (ColorType::Grayscale, Two, vec![0b0001_1000, 0b1101_0000], Values::U8(vec![0, 85, 170, 255, 85, 0])),
        (ColorType::Grayscale, Four, vec![0x12, 0x30, 0xfe, 0x00], Values::U8(vec![17, 34, 51, 255, 238, 0])),
        (ColorType::Grayscale, Eight, vec![1, 2, 3, 4, 5, 6], Values::U8(vec![1, 2, 3, 4, 5, 6])),
        (ColorType::Grayscale, Sixteen, wide.clone(), sixteen(&wide)),
        (ColorType::Rgb, Eight, rgb.clone(), Values::U8(rgb)),
        (ColorType::Rgb, Sixteen, rgb16.clone(), sixteen(&rgb16)),
        (ColorType::Indexed, One, vec![0b0100_0000, 0b1010_0000], of_palette([0, 1, 0, 1, 0, 1])),
        (ColorType::Indexed, Two, vec![0b0001_1000, 0b1101_0000], of_palette([0, 1, 2, 3, 1, 0])),
        (ColorType::Indexed, Four, vec![0x31, 0x20, 0x01, 0x20], of_palette([3, 1, 2, 0, 1, 2])),
        (ColorType::Indexed, Eight, vec![3, 2, 1, 0, 2, 3], of_palette([3, 2, 1, 0, 2, 3])),
    ];
    for (color, depth, packed, expected) in cases {
        let data = read(&png([3, 2], color, depth, &packed)).unwrap();
        assert_eq!(data.values(), &expected, "{color:?} {depth:?}");
        assert_eq!(data.row_shape(), [2, 3, expected.len() / 6], "{color:?} {depth:?}");
        let levels = if depth == Sixteen { 65536 } else { 256 };
        assert_eq!(data.scale(), Scale::quantised(levels), "{color:?} {depth:?}");
    }
}

/// Samples of two pixels with these alpha samples, big-endian.
fn with_alpha(color: ColorType, depth: BitDepth, alphas: [u16; 2]) -> (Vec<u8>, Vec<f64>) {
    let channels = if color == ColorType::Rgba { 3 } else { 1 };
    let (mut packed, mut colours) = (Vec::new(), Vec::new());
    for (pixel, alpha) in alphas.into_iter().enumerate() {
        for channel in 0..channels {
            let value = (pixel * 10 + channel + 1) as u16;
            match depth {
                BitDepth::Sixteen => packed.extend((value * 300).to_be_bytes()),
                _ => packed.push(value as u8),
            }
            colours.push(f64::from(if depth == BitDepth::Sixteen { value * 300 } else { value }));
        }
        match depth {
            BitDepth::Sixteen => packed.extend(alpha.to_be_bytes()),
            _ => packed.push(alpha as u8),
        }
    }
    (png([2, 1], color, depth, &packed), colours)
}

#[test]
fn alpha_is_dropped_and_said_unless_all_is_opaque() {
    for color in [ColorType::GrayscaleAlpha, ColorType::Rgba] {
        for (depth, opaque, others) in [
            (BitDepth::Eight, 255, vec![0, 127, 254]),
            (BitDepth::Sixteen, 65535, vec![0, 255, 0xff00, 0xff7f, 0xfffe, 0xfeff]),
        ] {
            let (file, colours) = with_alpha(color, depth, [opaque; 2]);
            let data = read(&file).unwrap();
            let found: Vec<f64> = match data.values() {
                Values::U8(values) => values.iter().map(|v| f64::from(*v)).collect(),
                Values::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
                Values::F64(values) => values.clone(),
            };
            assert_eq!(found, colours, "{color:?} {depth:?}");
            assert!(data.notes().is_empty(), "{color:?} {depth:?}");
            for alpha in others {
                let transparent = read(&with_alpha(color, depth, [opaque, alpha]).0).unwrap();
                assert_eq!(transparent.values(), data.values(), "{color:?} {depth:?}, alpha {alpha:#x}");
                let said = transparent.notes().iter().any(|note| note.contains("transparency"));
                assert!(said, "{color:?} {depth:?}, alpha {alpha:#x}");
            }
        }
    }
}

fn grey(value: u8) -> Vec<u8> {
    png([2, 1], ColorType::Grayscale, BitDepth::Eight, &[value, value + 1])
}

#[test]
fn a_folder_of_images_is_its_rows_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for (split, first) in [("train", 10), ("test", 100)] {
        std::fs::create_dir(folder.path().join(split)).unwrap();
        for (name, value) in [("c", 20), ("a", 0), ("b", 10)] {
            let path = folder.path().join(split).join(format!("{name}.png"));
            std::fs::write(path, grey(first + value)).unwrap();
        }
    }
    for (split, first) in [(Split::Train, 10), (Split::Test, 100)] {
        let data = load(folder.path().to_str().unwrap(), split).unwrap();
        assert_eq!(data.values(), &Values::U8([0, 1, 10, 11, 20, 21].map(|v| v + first).to_vec()));
        assert_eq!((data.rows(), data.row_shape()), (3, &[1, 2, 1][..]));
    }
}

/// MNIST's names, packed and not: each split with its own images and labels.
#[test]
fn images_and_labels_of_a_split_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let images = |first: u8| {
        [vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2], vec![first, first + 1, first + 2, first + 3]]
            .concat()
    };
    let labels = |first: u8| [vec![0, 0, 8, 1, 0, 0, 0, 2], vec![first, first + 1]].concat();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", &images(10));
    write("train-labels-idx1-ubyte", &labels(1));
    write("t10k-images-idx3-ubyte", &images(50));
    write("t10k-labels-idx1-ubyte", &labels(5));
    for (split, first, label) in [(Split::Train, 10, 1), (Split::Test, 50, 5)] {
        let data = load(folder.path().to_str().unwrap(), split).unwrap();
        assert_eq!(data.values(), &Values::U8((first..first + 4).collect()));
        assert_eq!(data.labels().unwrap(), [label, label + 1]);
    }
}

/// Whatever makes a data set of another keeps what it doesn't change.
#[test]
fn an_image_of_two_levels_keeps_its_rows_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spins.png");
    let packed = png([3, 2], ColorType::Grayscale, BitDepth::One, &[0b0110_0000, 0b1000_0000]);
    std::fs::write(&path, packed).unwrap();
    let found = read_binary_image(Path::new(&path), None).unwrap();
    assert_eq!((found.height, found.width), (2, 3));
    assert_eq!(found.spins, [-1, 1, 1, 1, -1, -1]);
}
