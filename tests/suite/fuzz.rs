//! The corpora of the fuzz targets, and seeded mutations of them, through the same functions.

use std::fs;

use crate::source_text::top;

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

/// Deterministic numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

/// What breaks readers: signs of the formats, ends of ranges, broken UTF-8.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\\",
    b": ",
    b"- ",
    b"\n",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b"&a ",
    b"*a",
    b"!",
    b"{{domain}}",
    b"null",
    b"-1",
    b"99999999999999999999",
    b"1e999",
    b"\x00",
    b"\x1b[2J",
    b"\xff",
    "\u{202e}".as_bytes(),
    "ß".as_bytes(),
    b"#",
    b"|",
    b">",
    b"%",
    b"..",
    b"\\u0000",
];

/// Changes some places of an input: bytes, pieces, cuts, doublings, and parts of another input.
fn mutated(input: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(16)).min(bytes.len());
        match numbers.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let from = numbers.below(other.len() + 1);
                let until = (from + numbers.below(64)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
        }
    }
    bytes
}

/// Replays one corpus with so many mutations of each input, and returns the figures.
fn replay(target: &str, mutations: usize, body: fn(&[u8])) -> String {
    let folder = top().join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 1, "{target} has a corpus");
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let mut numbers = Numbers(0x5eed_0000 + target.len() as u64);
    let mut cases = 0;
    for (index, input) in inputs.iter().enumerate() {
        body(input);
        for _ in 0..mutations {
            let other = &inputs[numbers.below(inputs.len())];
            let case = mutated(input, other, &mut numbers);
            let ended = std::panic::catch_unwind(|| body(&case));
            assert!(
                ended.is_ok(),
                "{target}, {}: {:?}",
                files[index].display(),
                String::from_utf8_lossy(&case)
            );
            cases += 1;
        }
    }
    format!("{target}: {} inputs, {cases} mutations", inputs.len())
}

#[test]
fn trees() {
    println!("{}", replay("tree", 200, bodies::tree));
    println!("{}", replay("config", 200, bodies::config));
    println!("{}", replay("template", 200, bodies::template));
}

#[test]
fn assets() {
    println!("{}", replay("asset", 200, bodies::asset));
}

#[test]
fn edits_of_yaml() {
    println!("{}", replay("edit", 500, bodies::edit));
}

#[test]
fn messages_of_name_servers() {
    println!("{}", replay("message", 200, bodies::message));
}

#[test]
fn files_of_the_state_folder() {
    println!("{}", replay("state", 300, bodies::state));
    println!("{}", replay("base", 300, bodies::base));
}

/// Else the fuzzer would never get behind the checksum.
#[test]
fn the_corpus_of_the_base_is_believed() {
    for name in ["quickstart", "update", "without-base"] {
        let input = fs::read(top().join("tests/fuzz/corpus/base").join(name)).unwrap();
        assert!(bodies::is_believed(&input), "{name}");
    }
}

#[test]
fn answers_of_a_forge() {
    println!("{}", replay("forge", 20, bodies::forge));
}

#[test]
fn record_texts() {
    println!("{}", replay("record", 2_000, bodies::record));
}

#[test]
fn answers_of_the_platform() {
    println!("{}", replay("answer", 100, bodies::answer));
}

#[test]
fn saved_plans() {
    println!("{}", replay("plan", 300, bodies::plan));
    println!("{}", replay("confirm", 300, bodies::confirm));
}

#[test]
fn webhook_bodies() {
    println!("{}", replay("webhook", 1_000, bodies::webhook));
}

#[test]
fn every_corpus_is_replayed() {
    let folder = top().join("tests/fuzz");
    let names = |folder: std::path::PathBuf| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let replayed = [
        "answer", "asset", "base", "config", "confirm", "edit", "forge", "message", "plan",
        "record", "state", "template", "tree", "webhook",
    ];
    assert_eq!(names(folder.join("targets")), replayed);
    assert_eq!(names(folder.join("corpus")), replayed);
}
