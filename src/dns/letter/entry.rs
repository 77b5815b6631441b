//! A record to enter, field by field, as the forms of providers ask for them.

use super::render::Field;
use super::task::How;
use super::words::{name, plain};
use crate::dns::Expected;
use crate::dns::presentation::MX_PREFERENCE;
use crate::model::record::{RecordData, RecordName};

/// A record to enter.
pub(super) struct Entry<'a> {
    /// The host that needs it.
    pub(super) host: &'a Expected,
    /// How it gets along with what is there.
    pub(super) how: How,
    /// The record.
    pub(super) data: &'a RecordData,
    /// What it replaces.
    pub(super) now: Vec<&'a RecordData>,
}

/// Where records are entered, and for how long they are remembered.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The zone, if known.
    pub(super) zone: Option<&'a RecordName>,
    /// The time to live in seconds.
    pub(super) ttl: u32,
}

impl Entry<'_> {
    /// Returns the fields in the order in which forms have them; the same ones for every record of a type.
    pub(super) fn fields(&self, place: Place<'_>) -> Vec<Field> {
        let how = match self.how {
            How::Add => "add",
            How::Replace => "replace",
            How::Unseen => "add, or replace what is there",
            How::Merge => "make one of both",
        };
        let question = &self.host.question;
        let mut fields = vec![
            Field::read("Do", how),
            Field::copied("Type", question.record_type),
            Field::copied("Name", name(&question.name, place.zone)),
        ];
        fields.extend(self.data_fields(place));
        let now: Vec<String> = self.now.iter().map(|data| plain(data)).collect();
        fields.extend([
            Field::copied("TTL", place.ttl),
            Field::read("For", self.host.label.as_deref().unwrap_or_default()),
            Field::read("There now", now.join("; ")),
        ]);
        fields
    }

    fn data_fields(&self, place: Place<'_>) -> Vec<Field> {
        match self.data {
            RecordData::A(address) => vec![Field::copied("Value", address)],
            RecordData::Aaaa(address) => vec![Field::copied("Value", address)],
            RecordData::Txt(octets) => {
                vec![Field::copied("Value", String::from_utf8_lossy(octets))]
            }
            RecordData::Cname(target) => vec![Field::copied("Target", target)],
            RecordData::Mx {
                preference,
                exchange,
            } => vec![
                Field::copied("Priority", preference.unwrap_or(MX_PREFERENCE)),
                Field::copied("Mail server", exchange),
            ],
            RecordData::Naptr {
                order,
                preference,
                flags,
                services,
                regexp,
                replacement,
            } => vec![
                Field::copied("Order", order),
                Field::copied("Preference", preference),
                Field::or_empty("Flags", flags),
                Field::or_empty("Service", services),
                Field::or_empty("Regular expression", regexp),
                Field::copied("Replacement", replacement),
            ],
            RecordData::Srv {
                priority,
                weight,
                port,
                target,
            } => {
                let mut fields = self.service(place);
                fields.extend([
                    Field::copied("Priority", priority),
                    Field::copied("Weight", weight),
                    Field::copied("Port", port),
                    Field::copied("Target", target),
                ]);
                fields
            }
            RecordData::Caa { flags, tag, value } => vec![
                Field::copied("Flags", flags),
                Field::copied("Tag", tag),
                Field::copied("Value", value),
            ],
        }
    }

    /// Returns the parts of an SRV record's name (RFC 2782), empty where it is not of that form.
    fn service(&self, place: Place<'_>) -> Vec<Field> {
        let whole = self.host.question.name.as_str();
        let mut labels = whole.splitn(3, '.');
        let parts = match (labels.next(), labels.next(), labels.next()) {
            (Some(service), Some(protocol), Some(rest))
                if service.starts_with('_') && protocol.starts_with('_') =>
            {
                let rest = name(&RecordName::observed(rest), place.zone);
                [service.to_owned(), protocol.to_owned(), rest]
            }
            _ => <[String; 3]>::default(),
        };
        let [service, protocol, rest] = parts;
        vec![
            Field::copied("Service", service),
            Field::copied("Protocol", protocol),
            Field::copied("Name without both", rest),
        ]
    }
}
