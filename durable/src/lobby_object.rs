//! The Durable Object around a [`Lobby`], leaf or region: hands in what it is asked, says what the host has to call, and whom it has to tell what. It
//! stores nothing.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::codec::{from_hex, hex};
use crate::lobby::{About, Caller, Due, Lobby, Said, Wanted};
use crate::platform::{self, Result, thrown};

/// See the module's words.
#[wasm_bindgen]
pub struct LobbyObject {
    env: JsValue,
    lobby: Option<Lobby>,
}

#[wasm_bindgen]
impl LobbyObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(_storage: JsValue, env: JsValue) -> LobbyObject {
        LobbyObject { env, lobby: None }
    }

    /// Wishes that travel together, in a call to which the host gave this number: the reply, or nothing if that comes later. What is no reply is an
    /// error as a value, for whoever asked and for nobody else. Laid are the lobby's name, and behind it a line for each wish.
    pub fn ask(&mut self, call: Caller, laid: usize) -> Result<JsValue> {
        platform::read(laid, |text| {
            let (name, lines) = text.split_once('\n').unwrap_or((text, ""));
            self.wanted(name, call, Wanted::Wishes(lines))
        })
    }

    /// The same for another lobby: a batch's bytes, or none for a board.
    pub fn gather(&mut self, name: &str, call: Caller, batch: Option<Vec<u8>>) -> Result<JsValue> {
        let wanted = batch.as_deref().map_or(Wanted::Board, Wanted::Batch);
        self.wanted(name, call, wanted)
    }

    /// What is next: a call to the parent as an array of what for, its name and its bytes; the time before which there is nothing; or
    /// nothing. After a call, ask again.
    pub fn due(&mut self) -> JsValue {
        // One that began anew has nothing to do before somebody asks.
        let Some(lobby) = self.lobby.as_mut() else { return JsValue::UNDEFINED };
        match lobby.due(platform::now()) {
            Due::Call(About::Board, _) => Array::of3(&"board".into(), &"".into(), &"".into()).into(),
            Due::Call(About::Batch((incarnation, number)), bytes) => {
                let name = format!("{} {number}", hex(&incarnation));
                let bytes = Uint8Array::from(bytes.as_slice());
                Array::of3(&"batch".into(), &name.into(), &bytes).into()
            }
            Due::Wait(until) => JsValue::from_f64(until.0 as f64),
            Due::Rest => JsValue::UNDEFINED,
        }
    }

    /// The parent's reply to a call: nothing if it failed, null if there is no such room. Says which calls are answered how, by turns: a number, a reply.
    pub fn heard(&mut self, action: &str, name: &str, reply: &JsValue, overloaded: bool) -> Result<Array> {
        let about = match name.split_once(' ') {
            Some((incarnation, number)) if action == "batch" => {
                from_hex(incarnation).zip(number.parse().ok()).map(About::Batch)
            }
            _ => Some(About::Board),
        };
        let about = about.ok_or_else(|| thrown("that is no name of a batch"))?;
        let said = match (reply.dyn_ref::<Uint8Array>(), reply.as_string()) {
            (Some(bytes), _) => Said::Bytes(bytes.to_vec()),
            (None, Some(text)) => Said::Text(text),
            _ if reply.is_null() => Said::Unknown,
            _ if overloaded => Said::Overloaded,
            _ => Said::Failed,
        };
        let answered = Array::new();
        if let Some(lobby) = self.lobby.as_mut() {
            for (call, said) in lobby.heard(platform::now(), about, &said, platform::entropy()?) {
                answered.push(&call.into());
                answered.push(&told(said));
            }
        }
        Ok(answered)
    }
}

impl LobbyObject {
    /// The memory begins with the first wish: only then is the lobby's own name known.
    fn wanted(&mut self, name: &str, call: Caller, wanted: Wanted<'_>) -> Result<JsValue> {
        if self.lobby.is_none() {
            let keys = platform::keys(&self.env).map_err(|fault| thrown(&fault.to_string()))?;
            self.lobby = Lobby::new(name, keys, platform::entropy()?);
        }
        let lobby = self.lobby.as_mut().ok_or_else(|| thrown("that is no lobby's name"))?;
        Ok(lobby.ask(platform::now(), call, wanted).map_or(JsValue::UNDEFINED, told))
    }
}

/// One caller's reply. An error is handed on and not thrown: what is thrown costs a lobby its memory, and everybody who waits in it.
fn told(said: Said) -> JsValue {
    match said {
        Said::Bytes(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        Said::Text(text) => text.into(),
        Said::Unknown => JsValue::NULL,
        Said::Failed | Said::Overloaded => thrown("that is nothing this version's lobby does"),
    }
}
