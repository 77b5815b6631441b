//! One tree for each code of EB01, EB02, EB03 and EB08: what is said, where, and how to mend it.

use insta::assert_snapshot;

use crate::tree::testing::{TWO_CLUSTERS, Tree, lines};

const ID: &str = "account: 0123456789abcdef0123456789abcdef\n";

/// Shows the diagnostics of one account with some lines of its own.
fn account(text: &str) -> String {
    tree(&[("accounts/acme/account.yaml", &format!("{ID}{text}"))])
}

/// Shows the diagnostics of a tree.
fn tree(files: &[(&str, &str)]) -> String {
    lines(&Tree::new(files).load(Some("production")))
}

/// Shows the diagnostics of an `emblazon.yaml` with one account beside it.
fn config(text: &str) -> String {
    tree(&[("emblazon.yaml", text), ("accounts/acme/account.yaml", ID)])
}

#[test]
fn eb01_yaml() {
    assert_snapshot!(account("whitelabel: {company_name: \"Acme}"), @r#"accounts/acme/account.yaml:2:28 EB0101 not valid YAML: unclosed quote; close it with " behind the text"#); // EB0101
    assert_snapshot!(account("whitelabel:\n\tdomain: x"), @"accounts/acme/account.yaml:3:1 EB0101 not valid YAML: tabs disallowed within this context (block indentation); indent with spaces: YAML does not take tabs"); // EB0101
    assert_snapshot!(account("whitelabel:\n  company_name: X\n\tdomain: x"), @"accounts/acme/account.yaml:4:1 EB0101 not valid YAML: while scanning a plain scalar, found a tab; indent with spaces: YAML does not take tabs"); // EB0101
    assert_snapshot!(account("protected: true\nprotected: false"), @"accounts/acme/account.yaml:3:1 EB0102 key protected twice in one map; keep one of the two [accounts/acme/account.yaml:2:1]"); // EB0102
    assert_snapshot!(account("whitelabel: &a {company_name: Acme}\nassets: *a"), @r"
        accounts/acme/account.yaml:2:13 EB0103 anchor &a; delete it; move what is shared into a layer in brands/
        accounts/acme/account.yaml:3:9 EB0103 alias *a; write the value out, or move what is shared into a layer in brands/
        "); // EB0103
    assert_snapshot!(account("whitelabel: *nobody"), @"accounts/acme/account.yaml:2:13 EB0103 alias *nobody; write the value out, or move what is shared into a layer in brands/"); // EB0103
    assert_snapshot!(account("whitelabel:\n  <<: {company_name: Acme}"), @"accounts/acme/account.yaml:3:3 EB0104 merge key <<; move what is shared into a layer in brands/ and name it in extends"); // EB0104
    assert_snapshot!(account("protected: !!bool true"), @"accounts/acme/account.yaml:2:12 EB0105 tag !!bool; delete the tag: a value's type follows from its key"); // EB0105
    assert_snapshot!(account("---\nb: c"), @"accounts/acme/account.yaml:2:1 EB0106 a second document in the file; move it into a file of its own"); // EB0106
    assert_snapshot!(account("whitelabel: {company_name: \"A\u{202e}B\"}"), @r#"accounts/acme/account.yaml:2:30 EB0107 control character U+202E in the file; delete it, or write it as an escape such as "\u00A0" in double quotes"#); // EB0107
    assert_snapshot!(account("dns:\u{0}ignore"), @r#"accounts/acme/account.yaml:2:5 EB0107 control character U+0000 in the file; delete it, or write it as an escape such as "\u00A0" in double quotes"#); // EB0107
    assert_snapshot!(account(&format!("dns: {}1{}", "[".repeat(40), "]".repeat(40))), @"accounts/acme/account.yaml:2:38 EB0110 nested over 32 levels deep; flatten the document"); // EB0110
    assert_snapshot!(account(&format!("dns: {}", "[".repeat(5000))), @"accounts/acme/account.yaml:2:261 EB0110 not valid YAML: recursion limit exceeded; flatten the document"); // EB0110
    assert_snapshot!(account("null: 1\n? \n: 2\n"), @r"
        accounts/acme/account.yaml:2:1 EB0111 a key that is null; write the key's name, in quotes if it is the word null
        accounts/acme/account.yaml:4:1 EB0111 a key that is null; write the key's name, in quotes if it is the word null
        "); // EB0111
    assert_snapshot!(account("{{domain}}: 1\n"), @r#"accounts/acme/account.yaml:2:1 EB0111 a key that is a list or a map; put the key in quotes: "{{domain}}" without quotes is a map in YAML"#); // EB0111
}

#[test]
fn eb01_files() {
    let files = Tree::new(&[("accounts/acme/account.yaml", ID)]);
    files.write(
        "accounts/acme/account.yaml",
        b"realm: caf\xe9.example.com\n",
    );
    assert_snapshot!(lines(&files.load(None)), @"accounts/acme/account.yaml:1:11 EB0108 accounts/acme/account.yaml is not valid UTF-8 at byte 10; save the file as UTF-8"); // EB0108
    files.write("accounts/acme/account.yaml", &vec![b'#'; (1 << 20) + 1]);
    assert_snapshot!(lines(&files.load(None)), @"accounts/acme/account.yaml:1:1 EB0109 cannot read accounts/acme/account.yaml: it has 1048577 bytes, the limit is 1048576; make it smaller"); // EB0109
    assert_snapshot!(account("assets: {logo: ../../../logo.png}"), @"accounts/acme/account.yaml:2:16 EB0113 logo ../../../logo.png lies outside of the tree; copy the file into the tree and write a path that is relative to this file"); // EB0113
    assert_snapshot!(account("assets: {logo: /etc/logo.png}"), @"accounts/acme/account.yaml:2:16 EB0113 logo /etc/logo.png lies outside of the tree; copy the file into the tree and write a path that is relative to this file"); // EB0113
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let lfs = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}assets: {{logo: logo.png}}"),
        ),
        ("accounts/acme/logo.png", pointer),
    ];
    assert_snapshot!(tree(&lfs), @"accounts/acme/account.yaml:2:16 EB0114 cannot read accounts/acme/logo.png: it is a Git LFS pointer, the content was not fetched; run git lfs pull before, or keep the file in Git itself; --rev cannot read from LFS"); // EB0114
    let near = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}assets: {{welcome: Welcome.html, icon: ico, logo: .}}"),
        ),
        ("accounts/acme/welcome.html", "<p>Hello</p>"),
    ];
    assert_snapshot!(tree(&near), @r"
        accounts/acme/account.yaml:2:19 EB0115 there is no file accounts/acme/Welcome.html; did you mean welcome.html?
        accounts/acme/account.yaml:2:39 EB0115 there is no file accounts/acme/ico; add the file, or correct the path: it starts at the folder of the file that names it
        accounts/acme/account.yaml:2:50 EB0112 cannot read accounts/acme: it is not a file; name a file
        "); // EB0115
    let forgotten = [
        ("accounts/acme/acount.yaml", ID),
        ("accounts/acme/logo.png", ""),
        ("accounts/beta/account.yaml", ID),
    ];
    assert_snapshot!(tree(&forgotten), @"accounts/acme/acount.yaml:1:1 EB0118 accounts/acme has no account.yaml; add it, or move the files out of accounts/"); // EB0118
    let misplaced = [
        ("accounts/acme.yaml", ID),
        ("accounts/beta/account.yml", ID),
        ("accounts/gold/gamma/account.yaml", ID),
        ("brands/gold/base.yaml", ""),
        ("brands/gold.yml", ""),
        ("README.md", ""),
    ];
    assert_snapshot!(tree(&misplaced), @r"
        accounts/acme.yaml:1:1 EB0117 accounts/acme.yaml is not read; move it to accounts/NAME/account.yaml
        accounts/beta/account.yml:1:1 EB0117 accounts/beta/account.yml is not read; rename it to account.yaml
        accounts/gold/gamma/account.yaml:1:1 EB0117 accounts/gold/gamma/account.yaml is not read; move it to accounts/NAME/account.yaml: accounts do not lie in each other
        brands/gold/base.yaml:1:1 EB0117 brands/gold/base.yaml is not read; move it to brands/NAME.yaml: brands do not lie in folders
        brands/gold.yml:1:1 EB0117 brands/gold.yml is not read; rename it to end in .yaml
        emblazon.yaml:1:1 EB0213 the tree has no accounts; add accounts/NAME/account.yaml; an empty tree plans nothing
        "); // EB0117
}

#[cfg(unix)]
#[test]
fn eb0112_links() {
    use std::os::unix::fs::symlink;
    let files = Tree::new(&[(
        "accounts/acme/account.yaml",
        &format!("{ID}assets: {{logo: a.png, icon: dir/b.png}}"),
    )]);
    symlink("/etc/hostname", files.path().join("accounts/acme/a.png")).expect("a link");
    symlink("/etc", files.path().join("accounts/acme/dir")).expect("a link");
    symlink("/etc/hostname", files.path().join("domains.yaml")).expect("a link");
    assert_snapshot!(lines(&files.load(None)), @r"
        accounts/acme/a.png:1:1 EB0112 accounts/acme/a.png is a symbolic link; put the file itself here: what a link shows depends on where it is read
        accounts/acme/account.yaml:2:16 EB0112 accounts/acme/a.png is a symbolic link; put the file itself here: what a link shows depends on where it is read
        accounts/acme/account.yaml:2:29 EB0112 accounts/acme/dir is a symbolic link; put the file itself here: what a link shows depends on where it is read
        accounts/acme/dir:1:1 EB0112 accounts/acme/dir is a symbolic link; put the file itself here: what a link shows depends on where it is read
        domains.yaml:1:1 EB0112 domains.yaml is a symbolic link; put the file itself here: what a link shows depends on where it is read
        ");
}

/// An account whose file is a folder has not left the tree.
#[test]
fn eb0112_a_folder_in_the_place_of_an_account() {
    let full = [
        ("accounts/acme/account.yaml/account.yaml", ID),
        ("accounts/acme/logo.png", ""),
    ];
    let empty = Tree::new(&[("accounts/acme/logo.png", "")]);
    std::fs::create_dir(empty.path().join("accounts/acme/account.yaml")).expect("a folder");
    let expected = "accounts/acme/account.yaml:1:1 EB0112 accounts/acme/account.yaml is not a file; put the file itself here: what a link shows depends on where it is read";
    for told in [tree(&full), lines(&empty.load(None))] {
        assert!(told.lines().any(|line| line == expected), "{told}");
        assert!(!told.contains("EB0118"), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn eb0116_unreadable() {
    let error = crate::tree::ReadError::Failed("Permission denied".to_owned());
    let diagnostic = crate::tree::files::read_error(&error, "accounts/acme/logo.png", None);
    assert_eq!(diagnostic.code, crate::diag::Code::EB0116);
}

/// A file that is all mistakes shows the first ones, and never a warning in the place of an error.
#[test]
fn eb0119_more_than_are_shown() {
    use std::fmt::Write as _;
    let mistakes = |pairs: usize| {
        let mut text = String::from("whitelabel:\n");
        for number in 0..pairs {
            let _ = write!(text, "  k{number}: x\n  social{number}: {{a: b}}\n");
        }
        text
    };
    let one = account(&format!("{}  k100: x\n", mistakes(100)));
    assert!(
        one.contains("EB0119 1 more mistake in this file is not shown;"),
        "{one}"
    );
    let shown = account(&mistakes(150));
    let shown: Vec<&str> = shown.lines().collect();
    assert_eq!(shown.len(), 201);
    assert_snapshot!(shown[200], @"accounts/acme/account.yaml:202:3 EB0119 100 more mistakes in this file are not shown; fix the ones above, and run again"); // EB0119
}

#[test]
fn eb02_structure() {
    assert_snapshot!(account("assests: {}\nwhitelable: {}\nfoo: 1"), @"
    accounts/acme/account.yaml:2:1 EB0201 an account has no key assests; did you mean assets?
    accounts/acme/account.yaml:3:1 EB0201 an account has no key whitelable; did you mean whitelabel?
    accounts/acme/account.yaml:4:1 EB0201 an account has no key foo; known here: account, realm, extends, whitelabel, assets, dns, ownership, recreate, protected, mode, labels, ignore, lock, watch, overrides
    "); // EB0201
    assert_snapshot!(account("assets: {logos: null}"), @"accounts/acme/account.yaml:2:10 EB0201 assets has no key logos; did you mean logo?"); // EB0201
    assert_snapshot!(account("extends: gold\nassets: []\nwhitelabel: text"), @r"
        accounts/acme/account.yaml:2:10 EB0202 extends is a string, but must be a list; write a list
        accounts/acme/account.yaml:3:9 EB0202 assets is a list, but must be a map; write a map
        accounts/acme/account.yaml:4:13 EB0202 whitelabel is a string, but must be a map; write a map
        "); // EB0202
    assert_snapshot!(account("whitelabel: {nav: text, company_name: {a: b}, additionalCss: x}"), @r"
        accounts/acme/account.yaml:2:19 EB0202 nav is a string, but must be a map; write a map
        accounts/acme/account.yaml:2:39 EB0202 company_name is a map, but must be a string; write a string
        accounts/acme/account.yaml:2:62 EB0202 additionalCss is a string, but must be a list; write a list
        "); // EB0202
    assert_snapshot!(account("protected: no"), @r#"accounts/acme/account.yaml:2:12 EB0203 protected is "no", which is not a boolean; write false"#); // EB0203
    assert_snapshot!(account("whitelabel: {hide_powered: \"true\", hide_credits: on, hide_registration: maybe}"), @r#"
        accounts/acme/account.yaml:2:28 EB0203 hide_powered is "true", which is not a boolean; write true without quotes: the server turns the text into a boolean, which would be drift for ever
        accounts/acme/account.yaml:2:50 EB0203 hide_credits is "on", which is not a boolean; write true
        accounts/acme/account.yaml:2:73 EB0203 hide_registration is "maybe", which is not a boolean; write true or false
        "#); // EB0203
    assert_snapshot!(account("dns: watch\nownership: exclusiv\nrecreate: true"), @r#"
        accounts/acme/account.yaml:2:6 EB0204 dns cannot be "watch"; write one of observe, manage, ignore
        accounts/acme/account.yaml:3:12 EB0204 ownership cannot be "exclusiv"; did you mean exclusive?
        accounts/acme/account.yaml:4:11 EB0204 recreate cannot be "true"; write one of refused, allowed
        "#); // EB0204
    assert_snapshot!(tree(&[("accounts/acme/account.yaml", "dns: ignore\n")]), @"accounts/acme/account.yaml:1:1 EB0205 the account's identity is missing; add account: with the 32 digits of its id, or realm: with its SIP realm"); // EB0205
    assert_snapshot!(account("realm: acme.example.com"), @"accounts/acme/account.yaml:2:1 EB0206 account and realm are both declared; keep one of the two [accounts/acme/account.yaml:1:1]"); // EB0206
    assert_snapshot!(account("dns:\nwhitelabel:\n  company_name:\n  nav: {help: }\n"), @r#"
        accounts/acme/account.yaml:2:1 EB0207 dns has no value; write the value; null for "must not be there", "" for an empty text, {} for an empty map; or delete the key
        accounts/acme/account.yaml:4:3 EB0207 company_name has no value; write the value; null for "must not be there", "" for an empty text, {} for an empty map; or delete the key
        accounts/acme/account.yaml:5:9 EB0207 help has no value; write the value; null for "must not be there", "" for an empty text, {} for an empty map; or delete the key
        "#); // EB0207
    assert_snapshot!(account("whitelabel: {logoutTimer: 15 min}"), @r#"accounts/acme/account.yaml:2:27 EB0208 logoutTimer is "15 min", which is not an integer; write decimal digits without zeros in front or separators, such as 15"#); // EB0208
    assert_snapshot!(account("whitelabel: {logoutTimer: 010}"), @r#"accounts/acme/account.yaml:2:27 EB0208 logoutTimer is "010", which is not an integer; write decimal digits without zeros in front or separators, such as 15"#); // EB0208
    assert_snapshot!(account("whitelabel: {social: {phone: +15551234567, on: yes, pin: 0123, price: 1.10}}"), @r#"
        accounts/acme/account.yaml:2:30 EB0209 social.phone is +15551234567, which YAML readers understand in different ways; write "+15551234567" for the text, or the plain decimal form for the number
        accounts/acme/account.yaml:2:48 EB0209 social.on is yes, which YAML readers understand in different ways; write "yes" for the text, or true for the boolean
        accounts/acme/account.yaml:2:58 EB0209 social.pin is 0123, which YAML readers understand in different ways; write "0123" for the text, or the plain decimal form for the number
        accounts/acme/account.yaml:2:71 EB0209 social.price is 1.10, which YAML readers understand in different ways; write "1.10" for the text, or the plain decimal form for the number
        "#); // EB0209
    assert_snapshot!(account("dns: null\nassets: ~\nextends: [null]"), @r#"
        accounts/acme/account.yaml:2:6 EB0210 dns is null; write a string, or delete the key; null means "must not be there" and is for settings and assets
        accounts/acme/account.yaml:3:9 EB0210 assets is null; write a map, or delete the key; null means "must not be there" and is for settings and assets
        accounts/acme/account.yaml:4:11 EB0210 an item of extends is null; write a string, or delete the key; null means "must not be there" and is for settings and assets
        "#); // EB0210
    assert_snapshot!(account("whitelabel: {sso_providers: [{url: null}]}"), @"accounts/acme/account.yaml:2:36 EB0511 an item of sso_providers.url is null inside of a value; leave it out, or declare the key itself as null"); // EB0511
    assert_snapshot!(account("whitelabel: {social: [null]}"), @"accounts/acme/account.yaml:2:23 EB0511 an item of social is null inside of a value; leave it out, or declare the key itself as null"); // EB0511
    assert_snapshot!(tree(&[("accounts/Acme Voice/account.yaml", ID)]), @r"
        accounts/Acme Voice/account.yaml:1:1 EB0212 the name of the folder is not allowed; use letters, digits, dot, hyphen and underscore, beginning with a letter or a digit
        emblazon.yaml:1:1 EB0213 the tree has no accounts; add accounts/NAME/account.yaml; an empty tree plans nothing
        "); // EB0212
    assert_snapshot!(tree(&[]), @"emblazon.yaml:1:1 EB0213 the tree has no accounts; add accounts/NAME/account.yaml; an empty tree plans nothing"); // EB0213
}

/// Trap 32: the server would turn the text into a boolean, and the two would differ for ever.
#[test]
fn trap_32_quoted_booleans() {
    assert_snapshot!(account("whitelabel: {hide_credits: \"false\"}"), @r#"accounts/acme/account.yaml:2:28 EB0203 hide_credits is "false", which is not a boolean; write false without quotes: the server turns the text into a boolean, which would be drift for ever"#); // EB0203
    assert_snapshot!(account("whitelabel: {hide_credits: false}"), @"");
}

#[test]
fn identities() {
    let identity = |text: &str| tree(&[("accounts/acme/account.yaml", text)]);
    assert_snapshot!(identity("account: 01234567-89AB-cdef-0123-456789abcdef"), @r#"accounts/acme/account.yaml:1:10 EB0404 "01234567-89AB-cdef-0123-456789abcdef" is no account id: an account id holds only 0-9 and a-f, this has '-'; write 0123456789abcdef0123456789abcdef"#);
    assert_snapshot!(identity("account: acme.example.com"), @r#"accounts/acme/account.yaml:1:10 EB0404 "acme.example.com" is no account id: an account id holds only 0-9 and a-f, this has 'm'; write realm: acme.example.com, if that is the account's SIP realm"#);
    assert_snapshot!(identity("realm: 0123456789abcdef0123456789abcdef"), @r#"accounts/acme/account.yaml:1:8 EB0405 "0123456789abcdef0123456789abcdef" is no realm: a domain has at least two labels; write account: 0123456789abcdef0123456789abcdef; this is an account's id"#);
    assert_snapshot!(identity("account:\n"), @r#"accounts/acme/account.yaml:1:1 EB0207 account has no value; write the value; null for "must not be there", "" for an empty text, {} for an empty map; or delete the key"#);
    assert_snapshot!(identity("account: {prod: 0123456789abcdef0123456789abcdef}"), @"accounts/acme/account.yaml:1:11 EB0801 account names the cluster prod, which is not declared; declared in emblazon.yaml: production");
}

#[test]
fn eb03_layers() {
    let gold = (
        "brands/gold.yaml",
        "whitelabel: {hide_powered: true}\nlock: [whitelabel.hide_powered]\n",
    );
    let with = |text: &str| tree(&[gold, ("accounts/acme/account.yaml", &format!("{ID}{text}"))]);
    assert_snapshot!(with("extends: [golden]"), @"accounts/acme/account.yaml:2:11 EB0301 there is no brand golden; did you mean gold?"); // EB0301
    assert_snapshot!(with("extends: [gold, gold]"), @"accounts/acme/account.yaml:2:17 EB0302 brand gold twice in extends; keep the one whose position you mean: later layers win [accounts/acme/account.yaml:2:11]"); // EB0302
    assert_snapshot!(with("extends: [gold]\nwhitelabel: {hide_powered: false}"), @"accounts/acme/account.yaml:3:28 EB0303 account changes whitelabel.hide_powered, which brand gold locks; delete whitelabel.hide_powered here, or take whitelabel.hide_powered out of lock there [brands/gold.yaml:2:8]"); // EB0303
    assert_snapshot!(with("extends: [gold]\nwhitelabel: {hide_powered: true}"), @"");
    assert_snapshot!(with("extends: [gold]\nwhitelabel: null"), @"accounts/acme/account.yaml:3:13 EB0303 account changes whitelabel, which brand gold locks; delete whitelabel here, or take whitelabel.hide_powered out of lock there [brands/gold.yaml:2:8]"); // EB0303
    assert_snapshot!(with("extends: [gold]\nlock: [hide_powered, whitelabel.hide_powerd, nothing]"), @r"
        accounts/acme/account.yaml:3:8 EB0304 lock names hide_powered, which is no key of a layer; did you mean whitelabel.hide_powered?
        accounts/acme/account.yaml:3:22 EB0304 lock names whitelabel.hide_powerd, which is no key of a layer; did you mean whitelabel.hide_powered?
        accounts/acme/account.yaml:3:46 EB0304 lock names nothing, which is no key of a layer; write the key's whole path, such as whitelabel.hide_powered or assets.logo
        "); // EB0304
    assert_snapshot!(account("mode: observe\nignore: [whitelabel.nav, whitelabel.nav.help, assets.welcome]"), @"");
    assert_snapshot!(account("labels: {tier: gold, level: 3, old: null}\nlock: [labels.tier]"), @"");
    assert_snapshot!(account("labels: {sold by: x, tier: 'of gold', a: [b]}\nignore: [labels.tier]"), @r#"
    accounts/acme/account.yaml:2:10 EB0214 label sold by cannot be chosen by: "sold by"; write letters, digits, - and _, beginning with a letter or a digit
    accounts/acme/account.yaml:2:28 EB0214 label tier cannot be chosen by: "of gold"; write letters, digits, - and _, beginning with a letter or a digit
    accounts/acme/account.yaml:2:42 EB0202 label a is a list, but must be a string; write a string
    accounts/acme/account.yaml:3:10 EB0307 ignore names labels.tier, which is neither a key of a whitelabel nor an asset; write the key's whole path, such as whitelabel.hide_powered or assets.logo
    "#); // EB0214
    assert_snapshot!(account("mode: obsrve"), @r#"accounts/acme/account.yaml:2:7 EB0204 mode cannot be "obsrve"; did you mean observe?"#);
    assert_snapshot!(account("ignore: [nav.help, dns, whitelabel, assets.welcom]"), @"
    accounts/acme/account.yaml:2:10 EB0307 ignore names nav.help, which is neither a key of a whitelabel nor an asset; did you mean whitelabel.nav.help?
    accounts/acme/account.yaml:2:20 EB0307 ignore names dns, which is neither a key of a whitelabel nor an asset; write the key's whole path, such as whitelabel.hide_powered or assets.logo
    accounts/acme/account.yaml:2:25 EB0307 ignore names whitelabel, which is neither a key of a whitelabel nor an asset; write the key's whole path, such as whitelabel.hide_powered or assets.logo
    accounts/acme/account.yaml:2:37 EB0307 ignore names assets.welcom, which is neither a key of a whitelabel nor an asset; did you mean assets.welcome?
    "); // EB0307
    assert_snapshot!(with("extends: [gold]\nignore: [whitelabel.hide_powered]"), @"accounts/acme/account.yaml:3:10 EB0303 account ignores whitelabel.hide_powered, which brand gold locks; take whitelabel.hide_powered out of ignore here, or whitelabel.hide_powered out of lock there [brands/gold.yaml:2:8]"); // EB0303
    assert_snapshot!(with("extends: [gold]\nignore: [whitelabel.nav]"), @"");
    assert_snapshot!(with(""), @"brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file"); // EB0305
    let absent = [
        (
            "accounts/acme/account.yaml",
            &*format!("{ID}whitelabel: null\nassets: {{welcome: w.html}}"),
        ),
        ("accounts/acme/w.html", "<p>Hello</p>"),
    ];
    assert_snapshot!(tree(&absent), @"accounts/acme/account.yaml:3:19 EB0306 welcome is declared for an account that must have no whitelabel; delete the asset, or whitelabel: null; assets live in the whitelabel [accounts/acme/account.yaml:2:13]"); // EB0306
}

/// An unused brand is a warning, which a tree can turn off or make an error of, with a reason.
#[test]
fn eb08_lint() {
    let lint = |rule: &str| {
        let config = format!("clusters: {{production: {{}}}}\nlint: {{{rule}}}\n");
        let tree = Tree::new(&[
            ("emblazon.yaml", &*config),
            ("brands/gold.yaml", "whitelabel: {hide_powered: true}\n"),
            ("accounts/acme/account.yaml", ID),
        ]);
        let loaded = tree.load(Some("production"));
        let errors = if loaded.has_errors() { "\nstops" } else { "" };
        let notes = loaded.lint_notes.join("\n");
        format!("{}\n{notes}{errors}", lines(&loaded))
    };
    assert_snapshot!(lint("EB0305: {level: off, reason: soon}"), @"lint: EB0305 is off for 1 place: soon");
    assert_snapshot!(lint("EB0305: {level: error, reason: they rot}"), @"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    lint: EB0305 is an error for 1 place: they rot
    stops
    ");
    assert_snapshot!(lint("EB0305: {level: off, reason: soon, paths: [brands/iron.yaml]}"), @"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    emblazon.yaml:2:8 EB0815 lint has a rule for EB0305, and nothing in its paths is warned about with it; delete the rule
    "); // EB0815
    assert_snapshot!(lint("EB0305: {level: off, reason: soon, paths: [brands]}"), @"lint: EB0305 is off for 1 place: soon");
    assert_snapshot!(lint("EB0305: {level: off}"), @"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    emblazon.yaml:2:16 EB0205 the rule for EB0305 has no reason; add reason:

    stops
    ");
    assert_snapshot!(lint("EB0305: {level: quiet, reason: \"\"}"), @r#"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    emblazon.yaml:2:16 EB0205 the rule for EB0305 has no reason; add reason:
    emblazon.yaml:2:24 EB0204 level cannot be "quiet"; write one of off, warning, error

    stops
    "#);
    assert_snapshot!(lint("EB305: {level: off, reason: soon}"), @"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    emblazon.yaml:2:8 EB0813 lint names EB305, which is no code of a diagnostic; did you mean EB0305?

    stops
    "); // EB0813
    assert_snapshot!(lint("EB0401: {level: warning, reason: soon}"), @"
    brands/gold.yaml:1:1 EB0305 no account extends brand gold; name it in an account's extends, or delete the file
    emblazon.yaml:2:8 EB0814 EB0401 is an error, which cannot be turned off; delete the rule, and mend what the error names

    stops
    "); // EB0814
}

#[test]
fn eb08_keys_and_rules() {
    let auth = |auth: &str| config(&format!("clusters: {{production: {{auth: {auth}}}}}"));
    assert_snapshot!(auth("[{below: r.sip.example.com, accounts: [north-*], api_key: {env: R}}, {api_key: {env: K}}]"), @"");
    assert_snapshot!(auth("[{below: r.sip.example.com, api_key: {env: R}}]"), @"emblazon.yaml:1:31 EB0816 auth has no entry for the rest; add an entry without below: it reads everything, and writes what no other entry is for"); // EB0816
    assert_snapshot!(auth("[{api_key: {env: R}}, {api_key: {env: K}}]"), @"emblazon.yaml:1:53 EB0816 auth has two entries without below; each account must have one key: delete one of the two, or tell them apart [emblazon.yaml:1:32]");
    assert_snapshot!(auth("[{below: r.example, api_key: {env: R}}, {below: r.example, api_key: {env: S}}, {api_key: {env: K}}]"), @"emblazon.yaml:1:79 EB0816 auth has two entries below r.example; each account must have one key: delete one of the two, or tell them apart [emblazon.yaml:1:40]");
    assert_snapshot!(auth("[{below: r.example, accounts: [north-*], api_key: {env: R}}, {below: s.example, accounts: [north-west], api_key: {env: S}}, {api_key: {env: K}}]"), @"emblazon.yaml:1:100 EB0816 two entries of auth have folders in common: north-west and north-*; each account must have one key: delete one of the two, or tell them apart [emblazon.yaml:1:40]");
    assert_snapshot!(auth("[{below: r.example, accounts: ['*-north'], api_key: {env: R}}, {api_key: {env: K}}]"), @"emblazon.yaml:1:62 EB0816 accounts names *-north, which is no folder below accounts/; write the name of a folder, or its beginning with a * at the end, such as northwind-*");
    assert_snapshot!(auth("[{accounts: [north], api_key: {env: K}}]"), @"emblazon.yaml:1:43 EB0816 the entry of auth for the rest has accounts; add below: with the id or realm of the reseller, or delete accounts: the rest has the folders that no other entry has");
    assert_snapshot!(auth("[{below: r.example, api_key: hunter2}, {api_key: {env: K}}]"), @"emblazon.yaml:1:51 EB0804 api_key is in the tree in plain text; move it out and write api_key: {env: VARIABLE}, {file: PATH} or {command: [PROGRAM, …]}; then replace it, for Git keeps what was committed");
    let rule = |check: &str| {
        config(&format!(
            "clusters: {{production: {{}}}}\npolicy: {{rules: {{house: {{check: \"{check}\", message: no}}}}}}"
        ))
    };
    assert_snapshot!(rule("changes.all(c, c.key != 'whitelabel.domain')"), @"");
    assert_snapshot!(rule("changes.all(c, c.kee != '')"), @"emblazon.yaml:2:33 EB0817 the rule house cannot be checked: c has no kee; it has key, before, after, cause, file, declared_in; write a condition in CEL that holds for every change that may be applied, such as changes.all(c, c.key != 'whitelabel.domain'); `emblazon policy test` tries it"); // EB0817
    assert_snapshot!(config("clusters: {production: {}}\npolicy: {rules: {house: {check: 'true'}}}"), @"emblazon.yaml:2:25 EB0205 the rule house has no message; add message:");
}

#[test]
fn eb08_clusters_and_policy() {
    let over = format!("{ID}overrides: {{stagin: {{}}}}");
    let files = [
        ("emblazon.yaml", TWO_CLUSTERS),
        ("accounts/acme/account.yaml", &over),
    ];
    assert_snapshot!(tree(&files), @"accounts/acme/account.yaml:2:13 EB0801 overrides names the cluster stagin, which is not declared; did you mean staging?"); // EB0801
    let api = |url: &str| config(&format!("clusters: {{production: {{api: {url}}}}}"));
    assert_snapshot!(api("api.example.com:8000"), @"emblazon.yaml:1:30 EB0802 api is neither http:// nor https://; write scheme, host and port only, such as https://api.example.com:8443"); // EB0802
    assert_snapshot!(api("https://api.example.com/v2/"), @"emblazon.yaml:1:30 EB0802 api ends in /v2, which is added to it; write scheme, host and port only, such as https://api.example.com:8443"); // EB0802
    assert_snapshot!(api("https://u:p@api.example.com"), @"emblazon.yaml:1:30 EB0802 api holds credentials; write scheme, host and port only, such as https://api.example.com:8443"); // EB0802
    assert_snapshot!(api("http://api.example.com:8000"), @"emblazon.yaml:1:30 EB0803 api is not encrypted and not on this machine: the API key would cross the network in clear text; write https://, or add allow_plain_http: true if the network is trusted"); // EB0803
    assert_snapshot!(api("http://127.0.0.1:8000/"), @"");
    assert_snapshot!(config("clusters: {production: {api: http://a.example, allow_plain_http: true}}"), @"");
    assert_snapshot!(config("clusters: {production: {auth: {api_key: hunter2}}}"), @"emblazon.yaml:1:32 EB0804 api_key is in the tree in plain text; move it out and write api_key: {env: VARIABLE}, {file: PATH} or {command: [PROGRAM, …]}; then replace it, for Git keeps what was committed"); // EB0804
    assert_snapshot!(config("clusters: {production: {}}\ndns: {resolvers: [192.0.2.1, '[2001:db8::1]:53', dns.example]}"), @r#"emblazon.yaml:2:50 EB0805 resolver "dns.example" is no address; write an IP address, with a port if it is not 53: 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53"#); // EB0805
    assert_snapshot!(config("clusters: {production: {}}\ndns: {networks: [10.0.0.0/8, 'fd00::/8', 127.0.0.1, 10.20.*, 10.0.0.0/33]}"), @r#"
    emblazon.yaml:2:53 EB0812 network "10.20.*" is no network; write an address and the length of its prefix: 10.0.0.0/8 or fd00::/8
    emblazon.yaml:2:62 EB0812 network "10.0.0.0/33" is no network; write an address and the length of its prefix: 10.0.0.0/8 or fd00::/8
    "#); // EB0812
    assert_snapshot!(config("clusters: {production: {dns: {resolver: [192.0.2.1], zones: {a..b: [192.0.2.1], corp.example: [here]}}}}"), @r#"
    emblazon.yaml:1:31 EB0201 dns has no key resolver; did you mean resolvers?
    emblazon.yaml:1:62 EB0805 zone "a..b" has an empty label; write the name of a zone, such as example.com, and the servers to ask about it
    emblazon.yaml:1:96 EB0805 server "here" is no address; write an IP address, with a port if it is not 53: 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53
    "#); // EB0805
    assert_snapshot!(config("clusters: {production: {probe: {api: 'https://api.example.com/v2'}}}"), @"
    emblazon.yaml:1:32 EB0205 probe has no ui; add ui: with a text that only the page of your user interface has; without probe it is Monster UI
    emblazon.yaml:1:38 EB0802 api ends in /v2, which is added to it; write scheme, host and port only, such as https://api.example.com:8443
    ");
    assert_snapshot!(config("clusters: {production: {probe: {ui: '<div id=portal>'}}}"), @"");
    let login = |policy: &str, text: &str| {
        let account = format!("account: {}\nwhitelabel: {text}\n", "a".repeat(32));
        tree(&[
            (
                "emblazon.yaml",
                &format!("policy: {policy}\nclusters: {{production: {{}}}}\n"),
            ),
            ("accounts/acme/account.yaml", &account),
        ])
    };
    let code = "{includes: ['https://cdn.example.net/a.js', 'https://cdn.example.net/b.js', 'js/own.js'], custom_welcome: true}";
    assert_snapshot!(login("{}", code), @"
    accounts/acme/account.yaml:2:24 EB0527 includes lets https://cdn.example.net run code in the login page; serve the file beside the user interface, or add https://cdn.example.net to policy.trusted_origins
    accounts/acme/account.yaml:2:119 EB0526 acme wants a welcome of its own, and the tree declares no text for it; write the text in custom_welcome_message, or delete custom_welcome
    "); // EB0526 EB0527
    assert_snapshot!(login("{trusted_origins: ['https://CDN.example.net:443', cdn.example.com]}", "{includes: ['https://cdn.example.net/a.js']}"), @r#"emblazon.yaml:1:59 EB0501 trusted_origins: "cdn.example.com" is no origin; write scheme, host and port only, such as https://cdn.example.com"#);
    portal();
    let push = |text: &str| {
        config(&format!(
            "clusters: {{production: {{}}}}\ndns: {{push: {text}}}"
        ))
    };
    let key = "key: {name: k, secret: {env: TSIG}}";
    assert_snapshot!(push(&format!("{{method: rfc2136, server: ns1.example.com, {key}}}")), @"");
    assert_snapshot!(push("{method: powerdns, url: 'http://127.0.0.1:8081', api_key: {file: key}, server_id: a, ca_file: ca.pem, ttl: 60, ownership: exclusive}"), @"");
    assert_snapshot!(push(&format!("{{method: rfc2136, server: 'https://ns1', {key}}}")), @r##"emblazon.yaml:2:39 EB0806 server is neither a host nor an address; write the primary's name or address, with a port if it is not 53: ns1.example.com, 192.0.2.1:5353 or [2001:db8::1]:53"##); // EB0806
    assert_snapshot!(push("{method: powerdns, url: 'http://dns.example', api_key: {env: A}}"), @r##"emblazon.yaml:2:37 EB0806 url is not encrypted and not on this machine: the API key would cross the network in clear text; write https://, or put a proxy with TLS in front of PowerDNS"##); // EB0806
    assert_snapshot!(push("{method: powerdns, url: 'https://u:hunter2@dns.example', api_key: {env: A}, ttl: soon}"), @r##"
    emblazon.yaml:2:37 EB0806 url is not the base URL of an API; write scheme, host and port only, such as https://dns.example.com:8081
    emblazon.yaml:2:94 EB0806 ttl is no number of seconds; write whole seconds from 0 to 2147483647, such as 3600
    "##); // EB0806
    assert_snapshot!(push("{method: powerdns, url: 'https://dns.example', api_key: hunter2}"), @r##"emblazon.yaml:2:60 EB0804 api_key is in the tree in plain text; move it out and write api_key: {env: VARIABLE}, {file: PATH} or {command: [PROGRAM, …]}; then replace it, for Git keeps what was committed"##);
    assert_snapshot!(push("{method: rfc2136, server: ns1, key: {secret: {env: TSIG}, algorithm: hmac-md5}}"), @r##"
    emblazon.yaml:2:49 EB0205 key has no name; add name:
    emblazon.yaml:2:82 EB0204 algorithm cannot be "hmac-md5"; write one of hmac-sha256, hmac-sha512
    "##);
    assert_snapshot!(push("{server: ns1}"), @r##"emblazon.yaml:2:13 EB0205 push has no method; add method:"##);
    assert_snapshot!(push("[]"), @r##"emblazon.yaml:2:13 EB0202 push is a list, but must be a map; write a map"##);
    assert_snapshot!(config("clusters: {production: {auth: {token: {env: A, file: b}, api_key: {}}}}"), @"emblazon.yaml:1:32 EB0206 auth has both api_key and token; keep exactly one of api_key, token, user [emblazon.yaml:1:58]"); // EB0206
    assert_snapshot!(config("clusters: {production: {auth: {user: {name: admin}}}}"), @r"
        emblazon.yaml:1:38 EB0205 user has no password; add password:
        emblazon.yaml:1:38 EB0206 user has none of account_name, account_realm, phone_number; write exactly one of account_name, account_realm, phone_number
        ");
    assert_snapshot!(config("clusters: {production: {auth: {user: {name: a, password: {env: P}, account_realm: a.b, phone_number: +15551234567}}}}"), @"emblazon.yaml:1:88 EB0206 user has both account_realm and phone_number; keep exactly one of account_name, account_realm, phone_number [emblazon.yaml:1:68]");
    assert_snapshot!(config("clusters: {production: {}}\npolicy: {billing: maybe}"), @r#"emblazon.yaml:2:19 EB0204 billing cannot be "maybe"; write one of refuse, accept"#); // EB0204
}

#[test]
fn eb08_watch() {
    let watch = |watch: &str| config(&format!("clusters: {{production: {{}}}}\nwatch: {watch}"));
    assert_snapshot!(watch("{apply: manual, heal: auto, prune: true, dns: push, canary: [acme]}"), @"");
    assert_snapshot!(watch("{apply: of}"), @r#"emblazon.yaml:2:16 EB0204 apply cannot be "of"; did you mean off?"#);
    assert_snapshot!(watch("{aply: off}"), @"emblazon.yaml:2:9 EB0201 watch has no key aply; did you mean apply?");
    assert_snapshot!(watch("{canary: [amce]}"), @"emblazon.yaml:2:18 EB0810 there is no account amce to begin with; did you mean acme?"); // EB0810
    assert_snapshot!(watch("{dns: psh}"), @r#"emblazon.yaml:2:14 EB0204 dns cannot be "psh"; did you mean push?"#);
    assert_snapshot!(account("watch: {heal: off, prune: true}"), @"accounts/acme/account.yaml:2:20 EB0201 watch has no key prune; known here: apply, heal, dns");
}

#[test]
fn eb08_records_that_nobody_writes() {
    assert_snapshot!(account("dns: manage"), @"accounts/acme/account.yaml:1:10 EB0811 nobody writes the records of acme: dns: manage has no effect without a primary; name the primary as dns: {push: …} in emblazon.yaml, or set dns: observe and write them with `emblazon dns export`"); // EB0811
    assert_snapshot!(account("dns: observe"), @"");
}

/// The brand is shown at the name that it is kept under and nowhere else, so something must lead there.
#[test]
fn eb07_brands_that_nobody_sees() {
    let with = |template: &str, more: &str| {
        let acme = format!("{ID}whitelabel: {{domain: voice.acme.example}}\n{more}");
        tree(&[
            ("domains.yaml", &format!("template: {template}")),
            ("accounts/acme/account.yaml", &acme),
        ])
    };
    let portal = r#"{CNAME: {"portal.{{domain}}": {name: Portal, mapping: [ui.example.net]}}}"#;
    assert_snapshot!(with(portal, ""), @r#"domains.yaml:1:20 EB0716 no record leads browsers to voice.acme.example, so nobody sees its brand; add "{{domain}}" below A (and AAAA), with the addresses of the user interface [accounts/acme/account.yaml:2:22]"#); // EB0716
    assert_snapshot!(with(r#"{A: {"us-east.{{domain}}": {name: Proxy, mapping: [192.0.2.10]}}}"#, ""), @r#"domains.yaml:1:16 EB0716 no record leads browsers to voice.acme.example, so nobody sees its brand; add "{{domain}}" below A (and AAAA), with the addresses of the user interface [accounts/acme/account.yaml:2:22]"#);
    // One that must not be there leads nowhere.
    assert_snapshot!(with(r#"{A: {"{{domain}}": null, "us-east.{{domain}}": {name: Proxy, mapping: [192.0.2.10]}}}"#, ""), @r#"domains.yaml:1:36 EB0716 no record leads browsers to voice.acme.example, so nobody sees its brand; add "{{domain}}" below A (and AAAA), with the addresses of the user interface [accounts/acme/account.yaml:2:22]"#);
    // Their registrar, their business.
    assert_snapshot!(with(portal, "dns: ignore\n"), @"");
    assert_snapshot!(with(r#"{A: {"{{domain}}": {name: UI, mapping: [192.0.2.80]}}}"#, ""), @"");
    assert_snapshot!(with(r#"{AAAA: {"{{domain}}": {name: UI, mapping: ["2001:db8::80"]}}}"#, ""), @"");
    let template = format!("template: {portal}");
    let acme = format!("{ID}whitelabel: {{domain: a.example}}\n");
    let several = tree(&[
        ("domains.yaml", &template),
        ("accounts/acme/account.yaml", &acme),
        (
            "accounts/beta/account.yaml",
            "realm: b.example.com\nwhitelabel: {domain: b.example}\n",
        ),
        (
            "accounts/city/account.yaml",
            "realm: c.example.com\nwhitelabel: null\n",
        ),
    ]);
    assert_snapshot!(several, @r#"domains.yaml:1:20 EB0716 no record leads browsers to a.example and the domain of 1 more account, so nobody sees their brands; add "{{domain}}" below A (and AAAA), with the addresses of the user interface [accounts/acme/account.yaml:2:22]"#);
}

#[test]
fn eb08_guards() {
    let policy =
        |policy: &str| config(&format!("clusters: {{production: {{}}}}\npolicy: {policy}"));
    assert_snapshot!(policy("{max_deletions: 5, max_changed_percent: 30, max_unreadable_percent: 100, share_floor: 0, protected_accounts: [acme], protected_keys: [domain, nav], freeze: [{from: 2026-12-24T12:00:00+01:00, until: 2026-12-27T06:00:00Z, reason: Christmas}], snapshots: {runs: 10, days: 30}}"), @"");
    assert_snapshot!(policy("{remove: never}"), @"");
    assert_snapshot!(policy("{remove: {keys: never, hosts: ask, records: ask, assets: allowed, whitelabels: never}}"), @"");
    assert_snapshot!(policy("{remove: nevr}"), @r#"emblazon.yaml:2:18 EB0204 remove cannot be "nevr"; did you mean never?"#);
    assert_snapshot!(policy("{remove: {key: never, assets: no}}"), @r#"
    emblazon.yaml:2:19 EB0201 remove has no key key; did you mean keys?
    emblazon.yaml:2:39 EB0204 assets cannot be "no"; write one of never, ask, allowed
    "#);
    assert_snapshot!(policy("{max_deletion: 5}"), @"emblazon.yaml:2:10 EB0201 policy has no key max_deletion; did you mean max_deletions?");
    assert_snapshot!(policy("{protected_accounts: [amce]}"), @"emblazon.yaml:2:31 EB0807 there is no account amce to protect; did you mean acme?"); // EB0807
    assert_snapshot!(policy("{max_deletions: few}"), @r#"emblazon.yaml:2:25 EB0808 max_deletions cannot be "few"; write a whole number from 0"#); // EB0808
    assert_snapshot!(policy("{max_changed_percent: 101}"), @r#"emblazon.yaml:2:31 EB0808 max_changed_percent cannot be "101"; write whole percents from 0 to 100, without the sign"#);
    assert_snapshot!(policy("{snapshots: {days: -1}}"), @r#"emblazon.yaml:2:28 EB0808 days cannot be "-1"; write a whole number from 0"#);
    assert_snapshot!(policy("{protected_keys: [domian]}"), @"emblazon.yaml:2:27 EB0520 unknown key domian; did you mean domain?");
    assert_snapshot!(policy("{freeze: [{from: 24 December, until: 2026-12-27T06:00:00Z}]}"), @r#"emblazon.yaml:2:26 EB0809 from is "24 December", which is no point in time; write date, time and offset, such as 2026-12-24T12:00:00+01:00"#); // EB0809
    assert_snapshot!(policy("{freeze: [{from: 2026-12-27T06:00:00Z, until: 2026-12-24T06:00:00Z}]}"), @"emblazon.yaml:2:55 EB0809 a freeze ends before it begins; swap from and until, or correct one of them [emblazon.yaml:2:26]");
    assert_snapshot!(policy("{freeze: [{from: 2026-12-27T06:00:00Z}]}"), @"emblazon.yaml:2:19 EB0205 a freeze has no until; add until:");
}

/// What would leak is not in the texts that diagnostics are drawn from, wherever it was written.
#[test]
fn secrets_are_blotted_out() {
    #[track_caller]
    fn check(config: &str, account: &str) {
        let account = format!("{ID}{account}");
        let files = [
            ("emblazon.yaml", config),
            ("accounts/acme/account.yaml", &account),
        ];
        let loaded = Tree::new(&files).load(Some("production"));
        assert!(loaded.has_errors(), "{config} {account}");
        assert!(!lines(&loaded).contains("hunter2"));
        for (_, file) in loaded.sources.iter() {
            assert!(!file.text.contains("hunter2"), "{}", file.text);
            assert!([config.len(), account.len()].contains(&file.text.len()));
        }
    }
    let good = "clusters: {production: {}}";
    check("clusters: {production: {auth: {api_key: hunter2}}}", "");
    check("clusters: {production: {auth: {apikey: hunter2}}}", "");
    check("clusters: {production: {auth: {token: [hunter2]}}}", "");
    check("clusters: {production: {auth: hunter2}}", "");
    check("clusters: {production: {api_key: hunter2}}", "");
    check(
        "clusters: {production: {api: https://u:hunter2@a.example}}",
        "",
    );
    check("clusters: {production: {auth: {api_key: hunter2}}", "");
    check(
        "clusters:\n  production:\n    auth:\n      api_key: {env: A}\n      api_key: hunter2\n",
        "",
    );
    check(good, "whitelabel: {sso: {client_secret: hunter2}}");
    check(
        good,
        "whitelabel: {nav: {help: https://u:hunter2@a.example}}",
    );
}

/// What Monster UI makes of what is declared together; with another user interface there is nothing to tell.
fn portal() {
    let shown = |cluster: &str, account: &str| {
        let id = "a".repeat(32);
        tree(&[
            (
                "emblazon.yaml",
                &format!("clusters: {{production: {cluster}}}\n"),
            ),
            (
                "accounts/acme/account.yaml",
                &format!("account: {id}\n{account}\n"),
            ),
            ("accounts/acme/w.html", "<p>Hello</p>"),
        ])
    };
    let check = |account: &str| shown("{}", account);
    let brand = "whitelabel: {hide_powered: true, domain: acme.example, company_name: Acme, applicationTitle: Acme, callReportEmail: a@acme.example, nav: {help: 'https://acme.example'}, port: {loa: 'https://acme.example', resporg: 'https://acme.example'}}";
    assert_snapshot!(check(brand), @"");
    assert_snapshot!(check("whitelabel: {hide_powered: true}"), @"");
    assert_snapshot!(check("whitelabel: {domain: acme.example}"), @"");
    assert_snapshot!(check("whitelabel: {hide_powered: true, domain: acme.example, company_name: Acme}"), @"accounts/acme/account.yaml:1:10 EB0528 where acme declares nothing, customers see the vendor: port.loa (http://ui.zswitch.net/Editable.LOA.Form.pdf), port.resporg (http://ui.zswitch.net/Editable.Resporg.Form.pdf), applicationTitle (“Monster UI”), callReportEmail (support@2600hz.com); declare them, for all accounts in defaults or in a brand; if config.js of your user interface names others, turn EB0528 off in lint [accounts/acme/account.yaml:2:28]"); // EB0528
    assert_snapshot!(check("whitelabel: {domain: acme.example, nav: null}\nassets: {icon: null}"), @"accounts/acme/account.yaml:1:10 EB0528 where acme declares nothing, customers see the vendor: the icon; declare them, for all accounts in defaults or in a brand; if config.js of your user interface names others, turn EB0528 off in lint");
    assert_snapshot!(check("ownership: exclusive\nwhitelabel: {domain: acme.example, company_name: Acme}"), @"accounts/acme/account.yaml:1:10 EB0528 where acme declares nothing, customers see the vendor: hide_powered (“Powered by 2600hz”), port.loa (http://ui.zswitch.net/Editable.LOA.Form.pdf), port.resporg (http://ui.zswitch.net/Editable.Resporg.Form.pdf), applicationTitle (“Monster UI”), callReportEmail (support@2600hz.com); declare them, for all accounts in defaults or in a brand; if config.js of your user interface names others, turn EB0528 off in lint");
    assert_snapshot!(check("whitelabel: {hide_registration: true, realm_suffix: {registration: .trial.example}, acceptCharges: {autoAccept: true, message: Sure}}"), @"accounts/acme/account.yaml:2:68 EB0529 acme: realm_suffix.registration has no effect: hide_registration lets nobody register; acceptCharges.message has no effect: acceptCharges.autoAccept asks nobody; delete what has no effect, or what keeps it from having one [accounts/acme/account.yaml:2:33]"); // EB0529
    assert_snapshot!(check("whitelabel: {authentication: {name: own}, sso: {login: 'https://a.example'}, logoutTimer: 5}"), @"accounts/acme/account.yaml:2:56 EB0529 acme: sso has no effect: the login program of authentication takes the place of the portal's login page; logoutTimer has no effect: single sign-on switches the timer off; delete what has no effect, or what keeps it from having one [accounts/acme/account.yaml:2:37]");
    assert_snapshot!(check("whitelabel: {custom_welcome: false, custom_welcome_message: Hello}"), @"accounts/acme/account.yaml:2:30 EB0529 acme: custom_welcome has no effect: the login page shows custom_welcome_message since 4.2, whatever custom_welcome says; delete what has no effect, or what keeps it from having one [accounts/acme/account.yaml:2:61]");
    assert_snapshot!(check("whitelabel: {hide_registration: false, realm_suffix: {registration: .trial.example}, acceptCharges: {message: Sure}}"), @"");
    assert_snapshot!(check("assets: {welcome: w.html}"), @"accounts/acme/account.yaml:2:19 EB0624 no Monster UI since 4.0 shows the welcome page of acme; write the text in custom_welcome_message; if a portal of your own shows the page, turn EB0624 off in lint"); // EB0624
    let other = "{probe: {ui: '<div id=portal>'}}";
    assert_snapshot!(shown(other, "whitelabel: {hide_powered: true, domain: acme.example}\nassets: {welcome: w.html}"), @"");
}
