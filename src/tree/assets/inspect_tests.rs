use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::*;
use crate::model::Dimensions;

/// Makes a picture whose left half is blue, and whose right half is clear.
fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let half = |x, _| {
        if x < width / 2 {
            Rgba([0x33, 0x66, 0x99, 0xff])
        } else {
            Rgba([0xff, 0xff, 0xff, 0])
        }
    };
    painted(format, width, height, half)
}

fn painted(
    format: ImageFormat,
    width: u32,
    height: u32,
    colour: impl Fn(u32, u32) -> Rgba<u8>,
) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbaImage::from_fn(width, height, colour);
    let picture = match format {
        ImageFormat::Jpeg => DynamicImage::from(picture).into_rgb8().into(),
        _ => DynamicImage::from(picture),
    };
    picture
        .write_to(&mut bytes, format)
        .expect("memory is enough");
    bytes.into_inner()
}

#[track_caller]
fn check(kind: AssetKind, path: &str, bytes: &[u8], expected: &[(Code, &str)]) -> AssetFacts {
    let (facts, got) = inspect(kind, Utf8Path::new(path), bytes);
    let matches = got.len() == expected.len()
        && got.iter().zip(expected).all(|(problem, (code, part))| {
            problem.code == *code
                && format!("{} | {}", problem.message, problem.help).contains(part)
        });
    assert!(matches, "{kind} {path}: {got:#?} instead of {expected:#?}");
    facts
}

#[test]
fn sound_assets() {
    let facts = check(
        AssetKind::Logo,
        "logo.png",
        &picture(ImageFormat::Png, 200, 50),
        &[],
    );
    assert_eq!(facts.asset_type, Some(AssetType::Png));
    assert_eq!(
        facts.dimensions,
        Some(Dimensions {
            width: 200,
            height: 50
        })
    );
    check(
        AssetKind::Logo,
        "logo.JPEG",
        &picture(ImageFormat::Jpeg, 200, 50),
        &[],
    );
    check(
        AssetKind::Logo,
        "logo.gif",
        &picture(ImageFormat::Gif, 200, 50),
        &[],
    );
    check(
        AssetKind::Icon,
        "icon.ico",
        &picture(ImageFormat::Ico, 32, 32),
        &[],
    );
    check(
        AssetKind::Icon,
        "icon.png",
        &picture(ImageFormat::Png, 64, 64),
        &[],
    );
    check(AssetKind::Welcome, "welcome.html", b"<p>Welcome</p>", &[]);
}

/// Trap 15: what the server answers with 415 is found here, by its content.
#[test]
fn trap_15_types_that_the_server_refuses() {
    let code = Code::EB0601;
    let logo = AssetKind::Logo;
    check(
        logo,
        "a.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        &[(code, "SVG")],
    );
    check(
        logo,
        "a.svg",
        b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE svg [<!ENTITY a 'b'>]><svg>",
        &[(code, "SVG")],
    );
    check(
        logo,
        "a.png",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        &[(code, "export it as one of PNG, JPEG or GIF")],
    );
    check(logo, "a.avif", b"\0\0\0\x20ftypavif", &[(code, "AVIF")]);
    check(logo, "a.tif", b"II*\0rest", &[(code, "TIFF")]);
    check(logo, "a.bmp", b"BM\x10\0\0\0\0\0\0\0", &[(code, "BMP")]);
    check(logo, "a.pdf", b"%PDF-1.7", &[(code, "PDF")]);
    check(logo, "a.png", b"hello", &[(code, "no known type")]);
    check(logo, "a.png", b"<p>hello</p>", &[(code, "HTML")]);
    check(
        logo,
        "a.ico",
        &picture(ImageFormat::Ico, 32, 32),
        &[(code, "ICO")],
    );
    check(
        logo,
        "a.png",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        &[(code, "git lfs pull")],
    );
    check(
        AssetKind::Icon,
        "a.cur",
        b"\0\0\x02\0\x01\0",
        &[(code, "a cursor")],
    );
    check(AssetKind::Icon, "a.svg", b"<svg/>", &[(code, "SVG")]);
    check(
        AssetKind::Welcome,
        "a.html",
        &picture(ImageFormat::Png, 2, 2),
        &[(code, "PNG")],
    );
    check(
        AssetKind::Welcome,
        "a.html",
        b"Welcome",
        &[(code, "begin it with")],
    );
    check(
        AssetKind::Welcome,
        "a.html",
        b"<svg onload=x>",
        &[(code, "SVG")],
    );
    let (facts, _) = inspect(logo, Utf8Path::new("a.svg"), b"<svg/>");
    assert_eq!(facts.asset_type, None);
}

#[test]
fn broken_pictures() {
    let code = Code::EB0602;
    for (format, name) in [
        (ImageFormat::Png, "a.png"),
        (ImageFormat::Jpeg, "a.jpg"),
        (ImageFormat::Gif, "a.gif"),
    ] {
        let whole = picture(format, 64, 64);
        for end in [12, whole.len() / 2, whole.len() * 3 / 4] {
            check(
                AssetKind::Logo,
                name,
                &whole[..end],
                &[(code, "replace it")],
            );
        }
    }
    let mut icon = picture(ImageFormat::Ico, 32, 32);
    icon.truncate(icon.len() / 2);
    check(AssetKind::Icon, "a.ico", &icon, &[(code, "replace it")]);
}

#[test]
fn empty_files() {
    for kind in AssetKind::ALL {
        check(kind, "a.png", b"", &[(Code::EB0603, "empty")]);
    }
}

/// Trap 33: the server answers 400 where 413 was meant, so size is checked before.
#[test]
fn trap_33_large_files() {
    let mut large = picture(ImageFormat::Png, 200, 50);
    large.resize(MOST_BYTES + 1, 0);
    check(
        AssetKind::Logo,
        "a.png",
        &large,
        &[(Code::EB0604, "5000001 bytes")],
    );
    large.truncate(500_001);
    check(
        AssetKind::Logo,
        "a.png",
        &large,
        &[(Code::EB0605, "smaller than 500000")],
    );
    large.truncate(500_000);
    check(AssetKind::Logo, "a.png", &large, &[]);
    let page = format!("<p>{}</p>", "x".repeat(200_000));
    check(
        AssetKind::Welcome,
        "a.html",
        page.as_bytes(),
        &[(Code::EB0605, "a.html")],
    );
}

#[test]
fn unusual_dimensions() {
    let code = Code::EB0606;
    let png = |width, height| picture(ImageFormat::Png, width, height);
    check(AssetKind::Icon, "a.png", &png(64, 32), &[(code, "square")]);
    check(
        AssetKind::Icon,
        "a.png",
        &png(600, 600),
        &[(code, "16 to 512")],
    );
    check(AssetKind::Icon, "a.png", &png(8, 8), &[(code, "16 to 512")]);
    check(
        AssetKind::Logo,
        "a.png",
        &png(100, 8),
        &[(code, "too small")],
    );
    check(
        AssetKind::Logo,
        "a.png",
        &png(2001, 100),
        &[(code, "scale it down")],
    );
}

/// What the pixels say of how people will see it.
#[test]
fn insight() {
    const CLEAR: Rgba<u8> = Rgba([0, 0, 0, 0]);
    const WHITE: Rgba<u8> = Rgba([0xff; 4]);
    const INK: Rgba<u8> = Rgba([0x22, 0x2a, 0x35, 0xff]);
    let logo = |bytes: &[u8], expected: &[(Code, &str)]| {
        check(AssetKind::Logo, "a.png", bytes, expected);
    };
    let png = |width, height| picture(ImageFormat::Png, width, height);
    logo(&png(900, 100), &[(Code::EB0613, "so wide")]);
    logo(&png(800, 100), &[]);
    logo(&png(100, 201), &[(Code::EB0613, "so tall")]);
    logo(&png(1201, 300), &[(Code::EB0614, "600 pixels wide")]);
    logo(&png(1200, 600), &[]);
    logo(&png(120, 40), &[(Code::EB0615, "twice as large")]);
    logo(&png(160, 40), &[]);
    let on = |left: Rgba<u8>, right: Rgba<u8>| {
        let colour = move |x, y| {
            if (20..100).contains(&x) && (5..45).contains(&y) {
                left
            } else {
                right
            }
        };
        painted(ImageFormat::Png, 200, 50, colour)
    };
    logo(&on(INK, WHITE), &[(Code::EB0616, "transparent background")]);
    logo(&on(WHITE, INK), &[]);
    logo(
        &on(WHITE, CLEAR),
        &[(Code::EB0617, "on a light page: 100% of its outlines")],
    );
    logo(
        &on(INK, CLEAR),
        &[(Code::EB0617, "on a dark page: 100% of its outlines")],
    );
    logo(
        &on(CLEAR, CLEAR),
        &[(Code::EB0617, "nothing of a.png can be seen on any page")],
    );
    check(
        AssetKind::Icon,
        "a.ico",
        &picture(ImageFormat::Ico, 48, 48),
        &[(Code::EB0618, "holds 48×48 and not 32×32")],
    );
    let code = Code::EB0619;
    let page = b"<p>\n<img src=data:,> <img alt='' src=data:,> <img aria-hidden=true src=data:,>";
    check(
        AssetKind::Welcome,
        "w.html",
        page,
        &[(code, "w.html:2:1: <img> has no alt")],
    );
    let page = b"<img src=data:,><img src=data:,><img src=data:,>";
    check(
        AssetKind::Welcome,
        "w.html",
        page,
        &[(code, "nor have 2 more")],
    );
}

#[test]
fn too_many_pixels() {
    let png = picture(ImageFormat::Png, 5000, 20);
    let facts = check(AssetKind::Logo, "a.png", &png, &[(Code::EB0612, "5000×20")]);
    assert!(facts.dimensions.is_some());
    // A header that promises more than any memory holds.
    let mut bomb = picture(ImageFormat::Gif, 20, 20);
    bomb[6..10].copy_from_slice(&[0xff; 4]);
    check(
        AssetKind::Logo,
        "a.gif",
        &bomb,
        &[(Code::EB0612, "65535×65535")],
    );
}

#[test]
fn misleading_names() {
    let code = Code::EB0607;
    check(
        AssetKind::Logo,
        "x/logo.jpg",
        &picture(ImageFormat::Png, 200, 50),
        &[(code, "rename it to x/logo.png")],
    );
    check(
        AssetKind::Icon,
        "favicon.ico",
        &picture(ImageFormat::Png, 32, 32),
        &[(code, "favicon.png")],
    );
    check(
        AssetKind::Logo,
        "logo",
        &picture(ImageFormat::Gif, 200, 50),
        &[(code, "logo.gif")],
    );
    check(
        AssetKind::Welcome,
        "welcome.txt",
        b"<p>x</p>",
        &[(code, "welcome.html")],
    );
}

#[test]
fn welcome_pages() {
    check(
        AssetKind::Welcome,
        "w.html",
        b"<p>Gr\xfc\xdfe</p>",
        &[(Code::EB0608, "at byte 5")],
    );
    check(
        AssetKind::Welcome,
        "w.html",
        b"<p onclick=x>",
        &[(Code::EB0609, "w.html:1:1")],
    );
    check(
        AssetKind::Welcome,
        "w.html",
        b"<img src=http://a.example/b.png alt=''>",
        &[(Code::EB0610, "http://")],
    );
    check(
        AssetKind::Welcome,
        "w.html",
        b"<form>",
        &[(Code::EB0620, "<form>")],
    );
}
