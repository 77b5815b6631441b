//! `If-Match` and `If-None-Match` as the server's HTTP layer checks them (W15, B15).

use super::call::Call;
use super::outcome::Failure;

/// Checks the preconditions of a request for an existing resource.
///
/// `etag` is the quoted ETag; absent for assets and domains, for which any tag fails with 412 (B15, D2).
///
/// # Errors
/// 412, or 304 for a read.
pub(crate) fn check(call: &Call<'_>, etag: Option<&str>) -> Result<(), Failure> {
    if let Some(wanted) = call.request.header("if-match") {
        let matches =
            wanted.trim() == "*" || etag.is_some_and(|etag| tags(wanted).any(|tag| tag == etag));
        if !matches {
            return Err(Failure::empty(412));
        }
    }
    if let Some(known) = call.request.header("if-none-match") {
        let star = known.trim() == "*";
        let matches = match etag {
            None => true,
            // RFC 9110, section 13.1.2: this header uses weak comparison.
            Some(etag) => {
                star || tags(known).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
            }
        };
        if matches {
            let reads = call.request.method == "GET" && (star || etag.is_some());
            return Err(if reads {
                Failure::not_modified(etag)
            } else {
                Failure::empty(412)
            });
        }
    }
    Ok(())
}

/// Checks the preconditions of a request that creates a resource (W3): no `If-Match` can hold.
///
/// # Errors
/// 412.
pub(crate) fn check_absent(call: &Call<'_>) -> Result<(), Failure> {
    match call.request.header("if-match") {
        Some(_) => Err(Failure::empty(412)),
        None => Ok(()),
    }
}

fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}
