//! The import graph of the sources, and the figures of their shape: lines, files, names, circles, reach.
//!
//! `cargo test --test suite -- --ignored --nocapture shape::figures` prints the figures.

use std::collections::{BTreeMap, BTreeSet};

use crate::source_text::{SourceText, rust_files, top, words};

/// A module by its path, such as `["plan", "step"]`.
type Module = Vec<String>;

/// The shipped sources and who imports whom, file by file.
struct Graph {
    files: BTreeMap<Module, SourceText>,
    code: BTreeMap<Module, String>,
    /// Module → name → the path that it re-exports under this name.
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
}

fn module_of(path: &str) -> Option<Module> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut parts: Module = path.split('/').map(str::to_owned).collect();
    if matches!(parts.last()?.as_str(), "mod" | "lib") {
        parts.pop();
    }
    Some(parts)
}

/// Returns the `use` declarations of a text, each with whether it re-exports.
fn uses(code: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let before = &rest[..at];
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        rest = &rest[at + 4..];
        let is_public = line.starts_with("pub");
        if !line.is_empty() && !is_public {
            continue;
        }
        let end = rest.find(';').unwrap_or(rest.len());
        let declaration: String = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        found.push((is_public, expanded(&declaration)));
        rest = &rest[end..];
    }
    found
}

/// Expands `a::{b, c::d}` to `a::b` and `a::c::d`.
fn expanded(declaration: &str) -> Vec<String> {
    let declaration = declaration.trim();
    let Some((head, body)) = declaration.split_once('{') else {
        let path = declaration.split(" as ").next().unwrap_or_default();
        return vec![path.trim().to_owned()];
    };
    let body = body.rsplit_once('}').map_or(body, |(body, _)| body);
    let mut depth = 0;
    let mut members = vec![String::new()];
    for character in body.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(member) = members.last_mut() {
            member.push(character);
        }
    }
    let members = members.iter().filter(|member| !member.trim().is_empty());
    members
        .flat_map(|member| expanded(member))
        .map(|member| format!("{}{member}", head.trim()))
        .collect()
}

/// Returns the paths of a text that begin with `crate::` or `super::`, outside of `use`.
fn inline_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            if code[..at].ends_with([':', '_']) {
                continue;
            }
            let end = code[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = end.map_or(&code[at..], |end| &code[at..at + end]);
            found.push(path.trim_end_matches(':').to_owned());
        }
    }
    found
}

impl Graph {
    fn read() -> Self {
        let shipped = rust_files().into_iter().filter(|file| {
            file.path.starts_with("src/")
                && !file.path.contains("/fixture")
                && file.path != "src/main.rs"
        });
        let shipped = shipped.filter_map(|file| {
            let code = file.shipped();
            let module = module_of(&file.path)?;
            (!code.trim().is_empty()).then_some((module, code, file))
        });
        let mut graph = Self {
            files: BTreeMap::new(),
            code: BTreeMap::new(),
            exports: BTreeMap::new(),
        };
        for (module, code, file) in shipped {
            graph.code.insert(module.clone(), code);
            graph.files.insert(module, file);
        }
        for (module, code) in &graph.code {
            let mut exports = BTreeMap::new();
            for (is_public, paths) in uses(code) {
                for path in paths.iter().filter(|_| is_public) {
                    let absolute = graph.absolute(module, path);
                    if let Some(name) = absolute.last() {
                        exports.insert(name.clone(), absolute.clone());
                    }
                }
            }
            graph.exports.insert(module.clone(), exports);
        }
        graph
    }

    /// Makes a path of a module one from the top of the crate; a foreign one becomes empty.
    fn absolute(&self, module: &Module, path: &str) -> Module {
        let mut base = module.clone();
        let mut parts = path
            .split("::")
            .map(|part| part.trim().to_owned())
            .peekable();
        match parts.peek().map(String::as_str) {
            Some("crate") => {
                parts.next();
                base.clear();
            }
            Some("self") => {
                parts.next();
            }
            Some("super") => {
                while parts.peek().is_some_and(|part| part == "super") {
                    parts.next();
                    base.pop();
                }
            }
            Some(first) => {
                base.push(first.to_owned());
                if !self.code.contains_key(&base) {
                    return Module::new();
                }
                base.pop();
            }
            None => {}
        }
        base.extend(parts);
        base
    }

    /// Finds the file that defines what a path names, through re-exports.
    fn definer(&self, path: &[String], depth: usize) -> Option<Module> {
        let held = (1..=path.len())
            .rev()
            .find(|n| self.code.contains_key(&path[..*n]))?;
        let module = path[..held].to_vec();
        let exported = path
            .get(held)
            .and_then(|name| self.exports[&module].get(name));
        match exported {
            Some(target) if depth < 8 && target != path => {
                let whole: Module = [target, &path[held + 1..]].concat();
                self.definer(&whole, depth + 1).or(Some(module))
            }
            _ => Some(module),
        }
    }

    /// Returns what each file imports from the other files of its folder; facades (`mod.rs`) aside.
    fn within_folders(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let is_facade = |module: &Module| self.files[module].path.ends_with("/mod.rs");
        let files = self.code.keys().filter(|module| !is_facade(module));
        let imports = files.map(|module| {
            let found = self.imports(module).into_iter();
            let inside = found.filter(|other| other.first() == module.first() && !is_facade(other));
            (module, inside.collect())
        });
        imports.collect()
    }

    /// Returns the files that a file imports from.
    fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let code = &self.code[module];
        let declared = uses(code).into_iter().flat_map(|(_, paths)| paths);
        let paths = declared.chain(inline_paths(code));
        let definers = paths.filter_map(|path| self.definer(&self.absolute(module, &path), 0));
        definers.filter(|other| other != module).collect()
    }
}

/// Returns the groups of nodes that reach each other.
fn circles(edges: &BTreeMap<&Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reach = |start: &Module| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start.clone()];
        while let Some(node) = next.pop() {
            for other in edges.get(&node).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    next.push(other.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        edges.keys().map(|node| (*node, reach(node))).collect();
    let mut groups = BTreeSet::new();
    for (node, seen) in &reached {
        let back = |other: &&Module| reached.get(*other).is_some_and(|back| back.contains(*node));
        let group: BTreeSet<Module> = seen.iter().filter(back).cloned().collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

#[test]
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    let graph = Graph::read();
    let edges = graph.within_folders();
    let told: Vec<String> = circles(&edges)
        .iter()
        .map(|group| {
            let arrows = group.iter().flat_map(|from| {
                let inside = edges[from].intersection(group);
                inside.map(|to| format!("  {} -> {}", from.join("/"), to.join("/")))
            });
            arrows.collect::<Vec<_>>().join("\n")
        })
        .collect();
    assert!(
        told.is_empty(),
        "{} circles:\n{}",
        told.len(),
        told.join("\n\n")
    );
}

#[test]
fn circles_are_found() {
    let module = |name: &str| vec![name.to_owned()];
    let (a, b, c) = (module("a"), module("b"), module("c"));
    let edges: BTreeMap<&Module, BTreeSet<Module>> = [
        (&a, [b.clone()].into()),
        (&b, [a.clone(), c.clone()].into()),
        (&c, BTreeSet::new()),
    ]
    .into();
    assert_eq!(circles(&edges), [BTreeSet::from([a.clone(), b.clone()])]);
    assert_eq!(
        expanded("super::{a, b::{self, C as D}}"),
        ["super::a", "super::b::self", "super::b::C"]
    );
}

/// Returns the lines of a file that are neither blank nor comments.
fn lines(file: &SourceText) -> usize {
    file.shipped()
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count()
}

/// Returns the names of the types that a text defines.
fn types(code: &str) -> Vec<String> {
    let kinds = ["struct", "enum", "trait", "type"];
    let all: Vec<&str> = words(code).collect();
    let pairs = all.windows(2).filter(|pair| kinds.contains(&pair[0]));
    let named = pairs.filter(|pair| pair[1].starts_with(char::is_uppercase));
    named.map(|pair| pair[1].to_owned()).collect()
}

/// The places that must know something new, each found by the names of what is there already.
const EXTENSIONS: &[(&str, &[&str])] = &[
    ("an asset kind", &["AssetKind::Welcome", "Self::Welcome"]),
    ("a DNS push provider", &["Powerdns", "PowerDns"]),
    ("a report format", &["Format::Junit"]),
    ("a verb", &["Command::Explain"]),
];

/// The sizes that newcomers are told are those of the sources, within a tenth.
#[test]
fn contributing_tells_the_sizes() {
    let page = std::fs::read_to_string(top().join(".github/CONTRIBUTING.md")).unwrap();
    let graph = Graph::read();
    let tests = rust_files().into_iter();
    let tests = tests.filter(|file| file.path.starts_with("tests/"));
    let tests: usize = tests.map(|file| file.text.lines().count()).sum();
    let code: usize = graph.files.values().map(lines).sum();
    for (what, size) in [
        ("lines of code in `src`, without their tests", code),
        ("files of `src` that have some", graph.files.len()),
        ("lines in `tests`", tests),
    ] {
        let row = page
            .lines()
            .find_map(|line| line.strip_prefix(&format!("| {what} | ")));
        let told = row.unwrap_or_else(|| panic!("CONTRIBUTING has no row {what}"));
        let told = told.trim_end_matches(" |").replace(',', "");
        let told: usize = told.parse().unwrap();
        assert!(
            told.abs_diff(size) * 10 <= size,
            "CONTRIBUTING tells of {told} {what}, and there are {size}"
        );
    }
}

#[test]
#[ignore = "prints figures: cargo test --test suite -- --ignored --nocapture shape::figures"]
#[allow(clippy::print_stdout, reason = "the figures are what it is for")]
fn figures() {
    let graph = Graph::read();
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut names: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (module, file) in &graph.files {
        let folder = folders.entry(file.stage().unwrap_or(".")).or_default();
        folder.0 += 1;
        folder.1 += lines(file);
        for name in types(&graph.code[module]) {
            names.entry(name).or_default().insert(&file.path);
        }
    }
    println!("{:<12} {:>6} {:>7}", "folder", "files", "lines");
    for (folder, (files, lines)) in &folders {
        println!("{folder:<12} {files:>6} {lines:>7}");
    }
    let total = folders
        .values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{:<12} {:>6} {:>7}", "together", total.0, total.1);
    let twice = names.values().filter(|files| files.len() > 1).count();
    println!("types: {}, of a name used twice: {twice}", names.len());
    println!("circles: {}", circles(&graph.within_folders()).len());
    for (what, marks) in EXTENSIONS {
        let knows = |module: &&Module| marks.iter().any(|mark| graph.code[*module].contains(mark));
        let files: Vec<&str> = (graph.files.keys().filter(knows))
            .map(|module| graph.files[module].path.as_str())
            .collect();
        println!(
            "{what}: named in {} files: {}",
            files.len(),
            files.join(" ")
        );
    }
}
