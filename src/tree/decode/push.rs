//! `dns: push` in `emblazon.yaml`: where the records of managed accounts are pushed to.

use url::Url;

use super::layer::OWNERSHIPS;
use super::{Fields, Reader};
use crate::diag::{Code, Spanned};
use crate::model::is_loopback;
use crate::tree::node::{Content, Node};
use crate::tree::{DEFAULT_TTL, KeyAlgorithm, PushMethod, PushSettings};

/// Values of `method`.
const METHODS: [(&str, Method); 2] = [("rfc2136", Method::Rfc2136), ("powerdns", Method::PowerDns)];

/// Values of `algorithm`.
pub(in crate::tree) const ALGORITHMS: [(&str, KeyAlgorithm); 2] = [
    ("hmac-sha256", KeyAlgorithm::HmacSha256),
    ("hmac-sha512", KeyAlgorithm::HmacSha512),
];

const RFC2136_KEYS: [&str; 5] = ["method", "ttl", "ownership", "server", "key"];
const POWERDNS_KEYS: [&str; 7] = [
    "method",
    "ttl",
    "ownership",
    "url",
    "api_key",
    "server_id",
    "ca_file",
];
const KEY_KEYS: [&str; 3] = ["name", "algorithm", "secret"];

/// The keys below `push` whose values are not secret.
const PLAIN_KEYS: [&str; 11] = [
    "method",
    "ttl",
    "ownership",
    "server",
    "server_id",
    "ca_file",
    "name",
    "algorithm",
    "env",
    "file",
    "command",
];

/// The `server_id` when it is left out.
pub(in crate::tree) const DEFAULT_SERVER_ID: &str = "localhost";

/// Maximum time to live in seconds (RFC 2181, section 8).
const LONGEST: u32 = (1 << 31) - 1;

/// The protocol used with a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Rfc2136,
    PowerDns,
}

impl Reader {
    /// Reads `push`.
    pub(super) fn push(&mut self, node: &Node) -> Option<PushSettings> {
        self.hide_except(node, &[&PLAIN_KEYS[..], &["url"]].concat());
        // The method determines which keys are known, so look it up first.
        let method = method(node).map(|node| self.choice(node, "method", &METHODS));
        let known: &[&'static str] = match method {
            Some(Some(Method::PowerDns)) => &POWERDNS_KEYS,
            Some(Some(Method::Rfc2136)) => &RFC2136_KEYS,
            Some(None) => return None,
            None => {
                let fields = self.map(node, "push");
                self.required(fields, "method", "push", node);
                return None;
            }
        };
        let fields = self.fields(node, "push", known);
        let ttl = fields.get("ttl").and_then(|node| self.ttl(node));
        let ttl = ttl.unwrap_or(DEFAULT_TTL);
        let ownership = fields
            .get("ownership")
            .and_then(|node| self.choice(node, "ownership", &OWNERSHIPS))
            .unwrap_or_default();
        let method = match method.flatten() {
            Some(Method::Rfc2136) => self.rfc2136(fields, node),
            Some(Method::PowerDns) => self.powerdns(fields, node),
            None => None,
        };
        Some(PushSettings {
            method: method?,
            ttl,
            ownership,
        })
    }

    fn rfc2136(&mut self, fields: Fields<'_>, node: &Node) -> Option<PushMethod> {
        let server = self.required(fields, "server", "push", node);
        let key = self.required(fields, "key", "push", node);
        let server = server.and_then(|entry| self.text(&entry.value, "server"));
        let server = server.and_then(|server| self.server(server));
        let node = &key?.value;
        let fields = self.fields(node, "key", &KEY_KEYS);
        let name = self.required(fields, "name", "key", node);
        let secret = self.required(fields, "secret", "key", node);
        let algorithm = fields
            .get("algorithm")
            .and_then(|node| self.choice(node, "algorithm", &ALGORITHMS))
            .unwrap_or_default();
        let name = name.and_then(|entry| self.text(&entry.value, "name"));
        let secret = secret.and_then(|entry| self.secret(entry));
        Some(PushMethod::Rfc2136 {
            server: server?,
            key: name?.value,
            algorithm,
            secret: secret?,
        })
    }

    fn powerdns(&mut self, fields: Fields<'_>, node: &Node) -> Option<PushMethod> {
        let url = self.required(fields, "url", "push", node);
        let api_key = self.required(fields, "api_key", "push", node);
        let url = url.and_then(|entry| self.url(&entry.value));
        let api_key = api_key.and_then(|entry| self.secret(entry));
        let server_id = fields
            .get("server_id")
            .and_then(|node| self.text(node, "server_id"))
            .map_or_else(|| DEFAULT_SERVER_ID.to_owned(), |text| text.value);
        Some(PushMethod::PowerDns {
            url: url?,
            api_key: api_key?,
            server_id,
            ca_file: fields
                .get("ca_file")
                .and_then(|node| self.text(node, "ca_file"))
                .map(|text| text.value.into()),
        })
    }

    fn server(&mut self, text: Spanned<String>) -> Option<Spanned<String>> {
        let is_one = !text.value.contains("://")
            && !text.value.contains(['/', ' ', '@'])
            && !text.value.ends_with(':');
        if !is_one {
            self.report(
                Code::EB0806,
                "server is neither a host nor an address",
                "write the primary's name or address, with a port if it is not 53: ns1.example.com, 192.0.2.1:5353 or [2001:db8::1]:53",
                text.place,
                "a host or an address is wanted",
            );
        }
        is_one.then_some(text)
    }

    fn url(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node, "url")?;
        let url = Url::parse(&text.value).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        let Some(url) = url else {
            if text.value.contains('@') {
                self.hide(node);
            }
            self.report(
                Code::EB0806,
                "url is not the base URL of an API",
                "write scheme, host and port only, such as https://dns.example.com:8081",
                text.place,
                "the base URL of PowerDNS's API is wanted",
            );
            return None;
        };
        if url.scheme() == "http" && !url.host().as_ref().is_some_and(is_loopback) {
            self.report(
                Code::EB0806,
                "url is not encrypted and not on this machine: the API key would cross the network in clear text",
                "write https://, or put a proxy with TLS in front of PowerDNS",
                text.place,
                "http",
            );
            return None;
        }
        Some(text)
    }

    fn ttl(&mut self, node: &Node) -> Option<u32> {
        let text = self.text(node, "ttl")?;
        let ttl = text.value.parse().ok().filter(|ttl| *ttl <= LONGEST);
        if ttl.is_none() {
            self.report(
                Code::EB0806,
                "ttl is no number of seconds",
                format!("write whole seconds from 0 to {LONGEST}, such as 3600"),
                text.place,
                "seconds are wanted",
            );
        }
        ttl
    }
}

/// Finds the node of the method.
fn method(node: &Node) -> Option<&Node> {
    let Content::Mapping(entries) = &node.content else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == "method")?;
    (!entry.value.is_empty()).then_some(&entry.value)
}
