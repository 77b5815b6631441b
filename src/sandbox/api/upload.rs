//! Decodes the file in the body of an upload.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::json;

use super::outcome::Failure;
use crate::sandbox::world::Attachment;

/// Decodes with or without padding (B5).
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An uploaded file.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The type and the bytes.
    pub(crate) attachment: Attachment,
    /// Whether the caller may choose its name (B10).
    pub(crate) may_be_named: bool,
}

impl Upload {
    /// Extracts the file from a body of this type, and decodes it if its type or its transfer encoding requires that
    /// (B4, B5).
    ///
    /// # Errors
    /// 400 when the body is not valid base64; the server detects that while reading, before it checks path and token.
    pub(super) fn received(
        media_type: &str,
        transfer_encoding: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Failure> {
        if matches!(media_type, "application/base64" | "application/x-base64") {
            return Ok(Self {
                attachment: decoded(body)?,
                may_be_named: false,
            });
        }
        let encoded = transfer_encoding.is_some_and(|it| it.eq_ignore_ascii_case("base64"));
        let bytes = if encoded {
            decode(&String::from_utf8_lossy(body))?
        } else {
            body.to_vec()
        };
        Ok(Self {
            attachment: Attachment {
                content_type: media_type.to_owned(),
                bytes: bytes.into(),
            },
            may_be_named: true,
        })
    }
}

/// Decodes a data URI, or bare base64, which loses the type (trap 15).
fn decoded(body: &[u8]) -> Result<Attachment, Failure> {
    let text = String::from_utf8_lossy(body);
    let data_uri = text
        .trim()
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','));
    let (content_type, encoded) = match data_uri {
        Some((head, encoded)) => {
            let media_type = head.split(';').next().unwrap_or(head);
            (media_type.to_ascii_lowercase(), encoded)
        }
        None => ("application/base64".to_owned(), text.as_ref()),
    };
    Ok(Attachment {
        content_type,
        bytes: decode(encoded)?.into(),
    })
}

fn decode(text: &str) -> Result<Vec<u8>, Failure> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    LENIENT.decode(compact).map_err(|_| {
        let encoding = json!({"message": "failed to decode base64 data"});
        Failure::unreadable(&json!({"file": {"encoding": encoding}}))
    })
}
