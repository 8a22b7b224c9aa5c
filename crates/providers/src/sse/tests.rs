use super::*;

fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
    let mut parser = SseParser::default();
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        while let Some(event) = parser.next_event().expect("small events") {
            events.push((String::from_utf8(event.name).unwrap(), String::from_utf8(event.data).unwrap()));
        }
    }
    events
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
}

#[test]
fn events_are_read_as_the_specification_says() {
    let text =
        b"\xef\xbb\xbfdata: one\n\n: a comment\n\nevent: named\ndata:two\ndata:  three\nid: 7\nretry: 1\n\n\
        event: no data\n\ndata\n\ndata: unfinished\n";
    let expected = pairs(&[("", "one"), ("named", "two\n three"), ("", "")]);
    assert_eq!(events(&[text]), expected);
}

#[test]
fn every_line_end_is_the_same_and_no_cut_matters() {
    let expected = pairs(&[("e", "one\ntwo"), ("", "three")]);
    for end in ["\n", "\r\n", "\r"] {
        let text = ["event: e", "data: one", "data: two", "", ": c", "data: three", "", ""].join(end);
        // a last carriage return may be half of a line end
        let text = format!("{text}{}", if end == "\r" { ":" } else { "" });
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            assert_eq!(events(&[head, tail]), expected, "{end:?} cut at {cut}");
        }
    }
}

#[test]
fn an_event_that_is_too_large_is_refused_and_not_kept() {
    let line = vec![b'x'; MAX_EVENT_BYTES + 1];
    let mut parser = SseParser::default();
    parser.push(&line);
    assert!(matches!(parser.next_event(), Err(TooLarge)), "one line without an end");

    let mut parser = SseParser::default();
    let half: Vec<u8> = [b"data: ", &line[..MAX_EVENT_BYTES / 2], b"\n"].concat();
    parser.push(&half);
    assert!(matches!(parser.next_event(), Ok(None)));
    parser.push(&half);
    parser.push(&half);
    assert!(matches!(parser.next_event(), Err(TooLarge)), "many lines of one event");
}
