use domain::limit::{Budget, BudgetFilter, BudgetScope, Enforcement, Thresholds, Window};
use domain::notice::ThresholdNotice;
use domain::org::Org;
use domain::{Amount, BudgetId, OrgId, Timestamp};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

fn settings(url: &str, password: &str) -> MailSettings {
    MailSettings {
        url: url.to_owned(),
        password: Secret::new(password.to_owned()),
        from: "Weir <weir@example.com>".to_owned(),
        allow_plaintext: false,
    }
}

fn mailer() -> Mailer {
    Mailer::new(settings("smtp://localhost:25", ""), "https://weir.example.com/".to_owned()).unwrap()
}

fn refusal(settings: MailSettings) -> InvalidMail {
    Mailer::new(settings, String::new()).err().unwrap()
}

#[test]
fn a_server_is_named_by_its_url_and_nothing_else_is_taken() {
    for url in ["smtps://ada%40example.com@mail.example.com:465", "smtp://ada@mail.example.com:587"] {
        assert!(Mailer::new(settings(url, "secret"), String::new()).is_ok(), "{url}");
    }
    assert!(Mailer::new(settings("smtp://localhost:25", ""), String::new()).is_ok());
    for url in ["", "mail.example.com", "http://mail.example.com", "smtp:mail", "smtps://"] {
        assert_eq!(refusal(settings(url, "")), InvalidMail::Url, "{url}");
    }
    assert_eq!(refusal(settings("smtps://a:b@host:465", "")), InvalidMail::PasswordInUrl);
    assert_eq!(refusal(settings("smtps://host:465", "secret")), InvalidMail::NoUser);
    let nobody = MailSettings { from: "nobody".to_owned(), ..settings("smtps://host", "") };
    assert_eq!(refusal(nobody), InvalidMail::From);
}

#[test]
fn only_a_server_on_this_machine_is_spoken_to_without_tls_unless_the_operator_says_so() {
    let of = |url: &str, allow_plaintext| security(&Url::parse(url).unwrap(), allow_plaintext).unwrap();
    for url in ["smtp://localhost:25", "smtp://LOCALHOST:25", "smtp://127.0.0.1:25", "smtp://[::1]:25"] {
        assert_eq!(of(url, false), Security::None, "{url}");
    }
    for url in ["smtp://10.0.0.1:25", "smtp://mail.example.com", "smtp://localhost.example.com:25"] {
        assert_eq!(of(url, false), Security::StartTls, "{url}");
        assert_eq!(of(url, true), Security::None, "{url}");
    }
    for url in ["smtps://localhost:465", "smtps://mail.example.com"] {
        assert_eq!((of(url, false), of(url, true)), (Security::Tls, Security::Tls), "{url}");
    }
}

fn notice() -> ThresholdNotice {
    let org = Org { id: OrgId::from_bits(1), name: "Acme".to_owned() };
    let budget = Budget {
        id: BudgetId::from_bits(2),
        org: org.id,
        name: "Söarch".to_owned(),
        scope: BudgetScope::Org,
        limit: "100".parse().unwrap(),
        window: Window::MONTH,
        enforcement: Enforcement::Soft,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    };
    let reached_at = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
    ThresholdNotice {
        org,
        budget,
        window: Window::MONTH.at(reached_at),
        percent: 80,
        reached_at,
        spent: "80.000000000001".parse::<Amount>().unwrap(),
        limit: "100".parse().unwrap(),
    }
}

#[test]
fn a_mail_says_what_was_reached_to_the_digit_and_where_to_look() {
    let mail = mailer().mail("ada@example.com", &Message::Threshold(&notice())).unwrap();
    let text = String::from_utf8(mail.formatted()).unwrap();
    let id = "<budget_00000000000000000000000000000002_2026-11_80@example.com>";
    for line in [
        "From: Weir <weir@example.com>",
        "To: ada@example.com",
        "Auto-Submitted: auto-generated",
        &format!("Message-ID: {id}"),
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let body = Message::Threshold(&notice()).text("https://weir.example.com/");
    for part in ["The budget Söarch of Acme has reached 80 % of its limit", "80.000000000001 USD", "100 USD"]
    {
        assert!(body.contains(part), "{body}");
    }
    assert!(body.ends_with("web admin: https://weir.example.com\n"), "{body}");
    assert!(!Message::Threshold(&notice()).text("").contains("http"));
}

#[test]
fn the_webhooks_body_has_every_amount_as_a_string() {
    let body = Message::Threshold(&notice()).body();
    assert_eq!(body["id"], "budget_00000000000000000000000000000002_2026-11_80");
    assert_eq!((&body["type"], &body["percent"]), (&"budget.threshold".into(), &80.into()));
    assert_eq!((&body["spent"], &body["limit"]), (&"80.000000000001".into(), &"100".into()));
    assert_eq!(body["budget"]["scope"], "org");
    assert_eq!((&body["window"], &body["created_at"]), (&"2026-11".into(), &"2026-11-21T12:00:00Z".into()));
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_should_speak_tls_and_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let credentials = Credentials::new("ada".to_owned(), "secret".to_owned());
    let transport = transport("localhost", Security::StartTls).unwrap().port(port).credentials(credentials);
    let mailer = Mailer { transport: transport.build(), ..mailer() };
    let serve = async {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        stream.write_all(b"220 test ESMTP\r\n").await.unwrap();
        let (mut said, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            said.push_str(&line);
            line.clear();
            if stream.write_all(b"250 AUTH PLAIN LOGIN\r\n").await.is_err() {
                break;
            }
        }
        said
    };
    let notice = notice();
    let message = Message::Threshold(&notice);
    let (outcome, said) = tokio::join!(mailer.send("fin@example.com", &message), serve);
    assert!(matches!(outcome, Err(Undelivered::Mail(_))), "{outcome:?}");
    assert!(said.starts_with("EHLO ") && !said.contains("AUTH") && !said.contains("MAIL"), "{said}");
}
