//! The cache directory.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::args::ScopeArgs;
use crate::live::{Cache, ReadClient};
use crate::tree::PictureCache;

/// Opens the cache of a platform, unless the arguments forbid it or there is no directory for it.
pub(crate) fn open(client: &ReadClient, args: &ScopeArgs) -> Option<Cache> {
    let top = top(args.no_cache)?;
    Some(Cache::open(&top, client, Timestamp::now()))
}

/// Opens the cache of inspected pictures; in memory only, if the arguments forbid it or there is no directory for it.
pub(crate) fn pictures(no_cache: bool) -> Arc<PictureCache> {
    Arc::new(top(no_cache).map_or_else(PictureCache::default, |top| PictureCache::open(&top)))
}

fn top(no_cache: bool) -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    (!no_cache).then(|| folder(&variable))?
}

/// Returns the directory that all clusters share.
fn folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(own) = variable("EMBLAZON_CACHE_DIR") {
        return Some(own);
    }
    // The XDG specification requires relative paths to be ignored.
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
