//! A platform with manual edits on every account.

use std::fmt::Write as _;
use std::fs;

use image::ImageFormat;

use crate::generate::{DOMAINS, MASTER, Shape, Tree, account, id, picture};

/// Number of settings that differ per account.
pub(crate) const EDITED_KEYS: usize = 10;
/// Number of distinct logos on the platform.
const LIVE_LOGOS: usize = 20;
/// One account in this many has a hostile name.
const HOSTILE_EACH: usize = 17;

/// Writes a tree that declares ten settings per account, and a platform that differs in each of them; with assets, in
/// the logo too. Two of the ten differ in the same way on all accounts.
pub(crate) fn write(shape: Shape) -> std::io::Result<Tree> {
    let mut tree = Tree::write(shape)?;
    for number in 0..shape.accounts {
        let file = format!("accounts/customer-{number:05}/account.yaml");
        let known = "  inbound_trunks_price:";
        let more = "  outbound_trunks_price: \"4.99\"\n  twoway_trunks_price: \"12.99\"\n";
        let text = account(number, shape.assets).replace(known, &format!("{more}{known}"));
        tree.add(&file, text.as_bytes())?;
    }
    fs::create_dir_all(tree.path().join("live"))?;
    for number in 0..LIVE_LOGOS {
        let logo = picture(number + 7919, 320, 96, ImageFormat::Png);
        fs::write(tree.path().join(format!("live/logo-{number}.png")), logo)?;
    }
    fs::write(tree.path().join("sandbox.yaml"), seed(shape))?;
    Ok(tree)
}

fn seed(shape: Shape) -> String {
    let mut text = format!(
        "accounts:\n  - name: Master\n    id: {MASTER}\n    realm: master.sip.example.com\n"
    );
    for number in 0..shape.accounts {
        let company = if number % HOSTILE_EACH == 0 {
            "</td><script>alert(1)</script> & ]]> `@all` \\u202e"
        } else {
            "Edited by hand"
        };
        let _ = write!(
            text,
            "  - name: customer {number}\n    id: {}\n    realm: customer-{number:05}.sip.example.com\n    \
             whitelabel:\n      company_name: \"{company} {number}\"\n      domain: portal.old-{number:05}.example\n      \
             inbound_trunks_price: \"7.{number}\"\n      outbound_trunks_price: \"8.{number}\"\n      \
             twoway_trunks_price: \"9.{number}\"\n      hide_powered: false\n      hide_credits: false\n      \
             nav: {{ help: \"https://help.old-{number:05}.example\", learn_more: \"https://www.old-{number:05}.example\" }}\n      \
             port: {{ support_email: porting@old-{number:05}.example }}\n",
            id(number)
        );
        if shape.assets {
            let at = format!("accounts/customer-{number:05}");
            let logo = number % LIVE_LOGOS;
            let _ = writeln!(
                text,
                "    assets: {{ logo: live/logo-{logo}.png, icon: {at}/icon.ico, welcome: {at}/welcome.html }}"
            );
        }
    }
    text.push_str(DOMAINS);
    text
}
