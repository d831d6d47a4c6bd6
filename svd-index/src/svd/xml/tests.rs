//! The walker against quick-xml, a general reader: the same elements with the same texts.

use bumpalo::Bump;
use quick_xml::events::Event;

use super::Xml;

/// An element as both readers see it.
#[derive(Debug, Default, PartialEq)]
struct Element {
    name: String,
    derived_from: Option<String>,
    /// Of an element without children.
    text: String,
    children: Vec<Element>,
}

fn theirs(source: &str) -> Vec<Element> {
    let mut reader = quick_xml::Reader::from_str(source);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("the text is well-formed") {
            Event::Start(start) => {
                let derived_from = start.try_get_attribute("derivedFrom").expect("it is sound");
                let value = derived_from.map(|attribute| {
                    let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
                    value.expect("its references are known").trim().to_owned()
                });
                open.push(Element {
                    name: start.local_name().into_inner().to_owned(),
                    derived_from: value,
                    ..Element::default()
                });
            }
            Event::End(_) => {
                let mut ended = open.pop().expect("it began");
                ended.text = match ended.children.is_empty() {
                    true => tidy(&ended.text),
                    false => String::new(),
                };
                open.last_mut().expect("the document is around it").children.push(ended);
            }
            Event::Text(text) => last(&mut open).push_str(&text.into_inner()),
            Event::CData(text) => last(&mut open).push_str(&text.into_inner()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().expect("it is sound");
                let name = reference.into_inner();
                match (character, quick_xml::escape::resolve_xml_entity(&name)) {
                    (Some(character), _) => last(&mut open).push(character),
                    (None, Some(text)) => last(&mut open).push_str(text),
                    (None, None) => *last(&mut open) += &format!("&{name};"),
                }
            }
            Event::Eof => return open.swap_remove(0).children,
            _ => {}
        }
    }
}

fn last(open: &mut [Element]) -> &mut String {
    &mut open.last_mut().expect("the document is around it").text
}

fn tidy(text: &str) -> String {
    let text = text.trim();
    if !text.contains(['\n', '\t']) {
        return text.to_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Walks as `like` goes: our reader is told at each element whether text or children are wanted.
fn ours(xml: &mut Xml<'_>, like: &[Element]) -> Vec<Element> {
    let mut found = Vec::new();
    let mut like = like.iter();
    // The document itself ends with the text, not with a tag.
    while let Some(start) = if like.len() > 0 { xml.child() } else { None } {
        let Some(like) = like.next() else { break };
        let (name, derived_from) = (start.name().to_owned(), start.attribute("derivedFrom"));
        let derived_from = derived_from.map(str::to_owned);
        let mut element = Element { name, derived_from, ..Element::default() };
        if like.children.is_empty() {
            element.text = xml.text().to_owned();
        } else {
            element.children = ours(xml, &like.children);
            assert!(xml.child().is_none(), "`{}` has more children", element.name);
        }
        found.push(element);
    }
    found
}

fn check(what: &str, source: &str) {
    let theirs = theirs(source);
    let texts = Bump::new();
    let mut xml = Xml::new(source, &texts);
    let ours = ours(&mut xml, &theirs);
    assert!(xml.broken().is_none(), "{what}: {:?}", xml.broken());
    assert!(ours == theirs, "{what}: the trees differ");
}

#[test]
fn odd_documents_read_alike() {
    for source in [
        "<a/>",
        "<?xml version='1.0'?><!-- <b> --><a><b>1</b><b/><c >2</c ></a>",
        "<a><b>  two\n  lines </b><c>a &lt; b &amp;&amp; c &#65;&#x42;</c></a>",
        "<a><b><![CDATA[<not> a & tag]]></b><c>x<!-- y -->z</c><d>p<?q r?>s</d></a>",
        "<!DOCTYPE a [ <!ENTITY e \"<b>\"> <!-- ]> --> ]><a><b>1</b></a>",
        "<s:a xmlns:s='u'><s:b derivedFrom=\"X\">1</s:b><b derivedFrom='A &amp; B' c=\">\"/></s:a>",
        "<a\n  derivedFrom = 'Y'\n>\r\n<b>t</b>\r\n</a>",
        "<a>\u{a0}<b>µ Ω</b></a>",
    ] {
        check(source, source);
    }
}

#[test]
fn a_vendors_file_reads_alike() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/uart-baud/nrf51.svd");
    check("nrf51", &std::fs::read_to_string(path).expect("it is in the repository"));
}
