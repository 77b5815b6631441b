//! Where what was read is kept.

use std::env;
use std::path::PathBuf;

use jiff::Timestamp;

use super::args::ScopeArgs;
use crate::live::{Cache, ReadClient};

/// Opens the cache of a platform, unless the arguments forbid it, or there is no place for it.
pub(crate) fn open(client: &ReadClient, args: &ScopeArgs) -> Option<Cache> {
    if args.no_cache {
        return None;
    }
    let top = folder(&|name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    })?;
    Some(Cache::open(&top, client, Timestamp::now()))
}

/// Names the folder that all clusters share.
fn folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(own) = variable("EMBLAZON_CACHE_DIR") {
        return Some(own);
    }
    // The XDG specification says that a relative path is to be ignored.
    let shared = variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(shared.join("emblazon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        #[track_caller]
        fn check(variables: &[(&str, &str)], expected: Option<&str>) {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| PathBuf::from(value))
            };
            assert_eq!(folder(&variable), expected.map(PathBuf::from));
        }
        let home = ("HOME", "/h");
        check(&[], None);
        check(&[home], Some("/h/.cache/emblazon"));
        check(&[home, ("XDG_CACHE_HOME", "/x")], Some("/x/emblazon"));
        check(&[home, ("XDG_CACHE_HOME", "x")], Some("/h/.cache/emblazon"));
        let own = ("EMBLAZON_CACHE_DIR", "own");
        check(&[home, ("XDG_CACHE_HOME", "/x"), own], Some("own"));
    }
}
