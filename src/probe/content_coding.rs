//! Undoes the compression of an answer (RFC 9110, section 8.4). Servers that are badly set compress without being asked,
//! and browsers read that.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// Undoes codings, which are given as their header lists them, in the order in which they were applied.
pub(super) fn decoded<'a>(
    headers: impl Iterator<Item = &'a str>,
    body: Vec<u8>,
    largest: usize,
) -> Result<Vec<u8>, String> {
    let codings: Vec<String> = headers
        .flat_map(|header| header.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .collect();
    // An answer to HEAD tells of a body that does not come.
    if body.is_empty() {
        return Ok(body);
    }
    codings.iter().rev().try_fold(body, |body, coding| {
        let body = body.as_slice();
        match coding.as_str() {
            "" | "identity" => Ok(body.to_vec()),
            "gzip" | "x-gzip" => inflated(MultiGzDecoder::new(body), largest),
            "deflate" => inflated(ZlibDecoder::new(body), largest),
            other => Err(format!(
                "it is compressed as {other}, which nobody asked for and a probe does not read"
            )),
        }
    })
}

fn inflated(reader: impl Read, largest: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let limit = u64::try_from(largest).unwrap_or(u64::MAX);
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut body);
    match read {
        Ok(count) if count > largest => Err("its body is too large".to_owned()),
        Ok(_) => Ok(body),
        Err(error) => Err(format!("its body could not be decompressed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn bodies_are_read_as_browsers_read_them() {
        #[track_caller]
        fn check(headers: &[&str], body: &[u8], expected: Result<&str, &str>) {
            let found = decoded(headers.iter().copied(), body.to_vec(), 16);
            let found = found.map(|body| String::from_utf8(body).unwrap());
            let found = found.as_ref().map(String::as_str).map_err(String::as_str);
            assert_eq!(found, expected, "{headers:?}");
        }
        let gzip = |body: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        };
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(b"text").unwrap();
        let deflate = deflate.finish().unwrap();
        check(&[], b"text", Ok("text"));
        check(&["identity"], b"text", Ok("text"));
        check(&["GZIP"], &gzip(b"text"), Ok("text"));
        check(&["deflate"], &deflate, Ok("text"));
        check(&["deflate, gzip"], &gzip(&deflate), Ok("text"));
        check(&["deflate", "x-gzip"], &gzip(&deflate), Ok("text"));
        check(&["gzip"], b"", Ok(""));
        check(&["gzip"], &gzip(&[0; 17]), Err("its body is too large"));
        check(
            &["br"],
            b"text",
            Err("it is compressed as br, which nobody asked for and a probe does not read"),
        );
        check(
            &["gzip"],
            b"a text as it is",
            Err("its body could not be decompressed: invalid gzip header"),
        );
    }
}
