//! What a server is: decided by content, while the elements stream by.
//!
//! An element that holds fields is a *part*. A part with an address or a server's name is a server; one without
//! (a license, a version) belongs to the server around it. When an element closes, its own fields and the parts
//! within it are weighed:
//!
//! - two servers under the same name are a list, and so is whatever contains a list;
//! - an element that is a server itself takes in its parts, but for servers with a name and another address,
//!   which are servers of their own;
//! - an element without identity around one server is the server's outer shell, unless it is the root, is called
//!   a list, or is more than two levels away from the identity.
//!
//! Servers of a list become entries at once, so that memory holds entries and one path of open elements.

use super::fields::{self, Field, Known, Owner, local};
use super::{Cause, Parsed, draft::Draft};
use crate::domain::Entry;
use jiff::Timestamp;
use std::{borrow::Cow, iter::once};

/// Parts of one element that are remembered. More are a list of something else.
const MAX_PARTS: usize = 32;
/// Levels between a record and the element that names its server.
const MAX_SHELLS: u8 = 2;

/// Collects the records of a file, element by element.
pub(super) struct Records<'a> {
    frames: Vec<Frame<'a>>,
    entries: Vec<Entry>,
    /// The root's attributes: they describe the file unless the root is the only record.
    root_attributes: Draft,
    read_at: Timestamp,
    max_records: usize,
    elements: u64,
}

/// An open element.
struct Frame<'a> {
    name: &'a str,
    field: Field,
    owner: Owner,
    /// Within credentials or a proxy: nothing is taken.
    hidden: bool,
    /// Child elements, other than the `value` of a property.
    children: bool,
    /// It contains servers that are entries already.
    list: bool,
    /// It is `<Property Name="Port" …>`: the field that its `Name` or `key` names.
    property: Option<Field>,
    /// It has attributes that make it more than a property.
    attributes: bool,
    text: Cow<'a, str>,
    draft: Option<Box<Draft>>,
    parts: Vec<Part<'a>>,
    /// Where the entries from within this element begin.
    first_entry: usize,
}

/// An element that was closed, and what it says.
struct Part<'a> {
    name: &'a str,
    draft: Box<Draft>,
    /// Levels between it and the element that names the server.
    shells: u8,
}

impl<'a> Records<'a> {
    pub fn new(read_at: Timestamp, max_records: usize) -> Self {
        Records {
            frames: Vec::new(),
            entries: Vec::new(),
            root_attributes: Draft::default(),
            read_at,
            max_records,
            elements: 0,
        }
    }

    /// How many elements are open.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The name of the innermost open element.
    pub fn innermost(&self) -> Option<&'a str> {
        self.frames.last().map(|frame| frame.name)
    }

    /// The element that a message may name: none within credentials, whose text could pass for names.
    pub fn nameable(&self) -> Option<&'a str> {
        let secret = |frame: &&Frame<'_>| {
            frame.hidden || matches!(frame.field, Field::Credential | Field::ActivationCode | Field::Skip)
        };
        self.frames.iter().find(secret).or(self.frames.last()).map(|frame| frame.name)
    }

    /// An element begins.
    pub fn open(&mut self, Known { name, field, owner }: Known<'a>) {
        self.elements += 1;
        let mut hidden = field == Field::Skip;
        if let Some(parent) = self.frames.last_mut() {
            hidden |= parent.hidden;
            parent.children |= !(field == Field::Value && parent.property.is_some());
        }
        self.frames.push(Frame {
            name,
            field,
            owner,
            hidden,
            children: false,
            list: false,
            property: None,
            attributes: false,
            text: Cow::Borrowed(""),
            draft: None,
            parts: Vec::new(),
            first_entry: self.entries.len(),
        });
    }

    /// An attribute of the element that began last.
    pub fn attribute(&mut self, Known { name, field, .. }: Known<'_>, value: &str) {
        let root = self.frames.len() == 1;
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.hidden || name == "xmlns" || name.starts_with("xmlns:") || value.trim().is_empty() {
            return;
        }
        match field {
            Field::Skip | Field::Unknown => return,
            Field::Value => {
                frame.text = Cow::Owned(value.to_string());
                return;
            }
            Field::Key | Field::Name => {
                let named = fields::field(value.trim());
                frame.property = Some(named).filter(|named| !matches!(named, Field::Unknown | Field::Key));
                if field == Field::Key {
                    return;
                }
            }
            _ => frame.attributes = true,
        }
        let draft = match root {
            true => &mut self.root_attributes,
            false => frame.draft.get_or_insert_default(),
        };
        draft.set(field, value, true);
    }

    /// A piece of text of the innermost element.
    pub fn text(&mut self, piece: Cow<'a, str>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let unused = matches!(frame.field, Field::Unknown | Field::Credential | Field::Skip | Field::Key);
        if frame.hidden || frame.children || unused && frame.property.is_none() {
            return;
        }
        if frame.text.is_empty() {
            frame.text = piece;
        } else {
            frame.text.to_mut().push_str(&piece);
        }
    }

    /// The innermost element ends.
    pub fn close(&mut self) -> Result<(), Cause> {
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        if frame.hidden {
            return Ok(());
        }
        let property = frame.property.filter(|_| !frame.children && !frame.attributes);
        if property.is_some() || !frame.children && frame.draft.is_none() {
            if let Some(parent) = self.frames.last_mut() {
                leaf(parent, &frame, property.unwrap_or(frame.field), property.is_some());
            }
            if is_listed_name(&frame, property) && self.frames.last().is_some_and(|p| lists(p, &frame)) {
                let mut draft = Box::<Draft>::default();
                draft.set(frame.field, &frame.text, false);
                return self.hand_up(Part { name: frame.name, draft, shells: 0 }, &frame);
            }
            return Ok(());
        }
        let mut own = frame.draft.take().unwrap_or_default();
        if !frame.children {
            own.set(frame.field, &frame.text, false);
        }
        if frame.field == Field::Version
            && let (Some(version), Some(parent)) = (own.composed_version(), self.frames.last_mut())
        {
            parent.draft.get_or_insert_default().set_version(version);
            return Ok(());
        }
        self.close_container(frame, own)
    }

    fn close_container(&mut self, mut frame: Frame<'a>, mut own: Box<Draft>) -> Result<(), Cause> {
        let name = local(frame.name);
        let root = self.frames.is_empty();
        let mut parts = std::mem::take(&mut frame.parts);
        if root && !frame.list && !parts.iter().any(|part| part.draft.is_server()) {
            let mut attributes = std::mem::take(&mut self.root_attributes);
            attributes.absorb(*own);
            *own = attributes;
        }
        if own.has_name() {
            let listed = |parent: &Frame<'a>| parent.owner == Owner::Server && lists(parent, &frame);
            own.called_server |= frame.owner == Owner::Server || self.frames.last().is_some_and(listed);
            if frame.owner == Owner::Other {
                own.forget_name();
            }
        }
        if frame.list {
            if own.has_address() {
                parts.into_iter().for_each(|part| own.absorb(*part.draft));
                self.insert(frame.first_entry, once(own))?;
            }
            return self.contains_list(frame.first_entry);
        }
        if own.is_server() {
            return self.close_server(frame, own, parts);
        }
        let servers = parts.iter().filter(|part| part.draft.is_server()).count();
        if servers > 1 && !merge_halves(&mut parts) {
            parts.retain(|part| part.draft.is_server());
            self.insert(self.entries.len(), parts.into_iter().map(|part| part.draft))?;
            return self.contains_list(frame.first_entry);
        }
        let mut shells = 0;
        if let Some(at) = parts.iter().position(|part| part.draft.is_server()) {
            let server = parts.remove(at);
            shells = server.shells + 1;
            if (root && servers == 1) || fields::is_list_of(name, local(server.name)) || shells > MAX_SHELLS {
                self.insert(self.entries.len(), once(server.draft))?;
                return self.contains_list(frame.first_entry);
            }
            own.forget_attribute_version();
            own.absorb(*server.draft);
        }
        parts.into_iter().for_each(|part| own.absorb(*part.draft));
        self.hand_up(Part { name: frame.name, draft: own, shells }, &frame)
    }

    /// An element that is a server by its own fields.
    fn close_server(
        &mut self,
        frame: Frame<'a>,
        mut own: Box<Draft>,
        parts: Vec<Part<'a>>,
    ) -> Result<(), Cause> {
        let mut apart = Vec::new();
        let placed = own.has_address();
        for part in parts {
            let whole = part.draft.has_address() && part.draft.has_server_name();
            match whole && !own.agrees_with(&part.draft) {
                true => apart.push(part.draft),
                false => own.absorb(*part.draft),
            }
        }
        if apart.is_empty() {
            return self.hand_up(Part { name: frame.name, draft: own, shells: 0 }, &frame);
        }
        // A name around servers with names and addresses is that of a group.
        if placed {
            apart.insert(0, own);
        }
        self.insert(self.entries.len(), apart.into_iter())?;
        self.contains_list(frame.first_entry)
    }

    /// Hands a closed element to the one around it.
    fn hand_up(&mut self, part: Part<'a>, frame: &Frame<'a>) -> Result<(), Cause> {
        let server = part.draft.is_server();
        let Some(parent) = self.frames.last_mut() else {
            return if server { self.insert(self.entries.len(), once(part.draft)) } else { Ok(()) };
        };
        if !server {
            if parent.parts.len() < MAX_PARTS && !part.draft.is_empty() {
                parent.parts.push(part);
            }
            return Ok(());
        }
        let twin = |other: &Part<'_>| {
            other.draft.is_server() && local(other.name).eq_ignore_ascii_case(local(part.name))
        };
        if parent.list || parent.parts.len() >= MAX_PARTS || parent.parts.iter().any(twin) {
            self.contains_list(frame.first_entry)?;
            return self.insert(self.entries.len(), once(part.draft));
        }
        parent.parts.push(part);
        Ok(())
    }

    /// The innermost open element contains entries, from `first_entry` on: its servers so far are entries too.
    fn contains_list(&mut self, first_entry: usize) -> Result<(), Cause> {
        let Some(parent) = self.frames.last_mut() else { return Ok(()) };
        if parent.list {
            return Ok(());
        }
        parent.list = true;
        let mut servers = Vec::new();
        for part in std::mem::take(&mut parent.parts) {
            match part.draft.is_server() {
                true => servers.push(part.draft),
                false => parent.parts.push(part),
            }
        }
        self.insert(first_entry, servers.into_iter())
    }

    /// Makes entries of drafts, at a place that keeps the order of the file.
    fn insert(&mut self, at: usize, drafts: impl ExactSizeIterator<Item = Box<Draft>>) -> Result<(), Cause> {
        if self.entries.len() + drafts.len() > self.max_records {
            return Err(Cause::TooMany(self.max_records));
        }
        let at = at.min(self.entries.len());
        let read_at = self.read_at;
        self.entries.splice(at..at, drafts.map(|draft| draft.into_entry(read_at)));
        Ok(())
    }

    /// What was found.
    pub fn finish(self) -> Parsed {
        let mut notes = Vec::new();
        if self.entries.is_empty() && self.elements > 1 {
            notes.push("No server was recognised in the file.".to_string());
        }
        Parsed { entries: self.entries, notes }
    }
}

/// Takes the text of a leaf into the element around it.
fn leaf(parent: &mut Frame<'_>, frame: &Frame<'_>, field: Field, property: bool) {
    if frame.text.trim().is_empty() {
        return;
    }
    match field {
        Field::Unknown | Field::Skip | Field::Key => {}
        Field::Value => {
            if parent.property.is_some() {
                parent.text = Cow::Owned(frame.text.trim().to_string());
            }
        }
        _ if !property && is_listed_name(frame, None) && lists(parent, frame) => {}
        _ => parent.draft.get_or_insert_default().set(field, &frame.text, false),
    }
}

/// Whether a leaf is a whole server where a list contains it: `<Servers><Server>srv01</Server>…`.
fn is_listed_name(frame: &Frame<'_>, property: Option<Field>) -> bool {
    property.is_none()
        && matches!(frame.field, Field::Server | Field::ServerName)
        && !frame.text.trim().is_empty()
}

fn lists(parent: &Frame<'_>, frame: &Frame<'_>) -> bool {
    fields::is_list_of(local(parent.name), local(frame.name))
}

/// Puts two halves of one server together, one with the address and one with the name. `false` when the
/// servers among the parts are not just that.
fn merge_halves(parts: &mut Vec<Part<'_>>) -> bool {
    let mut servers = parts.iter().enumerate().filter(|(_, part)| part.draft.is_server());
    let (Some((first, a)), Some((second, b)), None) = (servers.next(), servers.next(), servers.next()) else {
        return false;
    };
    let half = |draft: &Draft| (draft.has_address(), draft.has_server_name());
    if !matches!(
        (half(&a.draft), half(&b.draft)),
        ((true, false), (false, true)) | ((false, true), (true, false))
    ) {
        return false;
    }
    let other = parts.remove(second);
    if let Some(part) = parts.get_mut(first) {
        part.draft.absorb(*other.draft);
        part.shells = part.shells.max(other.shells);
    }
    true
}
