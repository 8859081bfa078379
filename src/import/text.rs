//! A file's bytes as UTF-8 text, part by part: memory is bounded by the part, not by the file.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::http::{ApiError, ApiResult};

/// Bytes that one record may have. A quote that is never closed would otherwise swallow the whole file.
const LONGEST_RECORD: u64 = 1 << 20;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TextFault {
    /// The file's fault.
    #[error("{0}")]
    File(String),
    /// Ours.
    #[error("{0}")]
    Ours(ApiError),
}

/// Measures the present record; the reader restarts it for each record.
#[derive(Debug, Clone, Default)]
pub struct RecordMeter(Rc<Measured>);

#[derive(Debug, Default)]
struct Measured {
    bytes: Cell<u64>,
    reached_end: Cell<bool>,
}

impl RecordMeter {
    /// A record ends here.
    pub fn restart(&self) {
        self.0.bytes.set(0);
        self.0.reached_end.set(false);
    }

    /// Whether the reader of the present record reached the end of the text. The text ends with a line's end, so only
    /// a quote that is not closed makes a reader go on.
    pub fn reached_end(&self) -> bool {
        self.0.reached_end.get()
    }
}

/// Decodes parts on demand.
pub struct Text<F> {
    next_part: F,
    decoder: Decoder,
    encoding: &'static Encoding,
    decoded: String,
    served: usize,
    line: u64,
    is_last: bool,
    ends_in_return: bool,
    meter: RecordMeter,
}

impl<F: FnMut() -> ApiResult<Option<Vec<u8>>>> Text<F> {
    /// The text of the parts that `next_part` gives, until it gives none.
    pub fn new(encoding: &'static Encoding, next_part: F, meter: RecordMeter) -> Self {
        Text {
            next_part,
            decoder: encoding.new_decoder(),
            encoding,
            decoded: String::new(),
            served: 0,
            line: 1,
            is_last: false,
            ends_in_return: false,
            meter,
        }
    }

    fn refill(&mut self) -> Result<(), TextFault> {
        let part = (self.next_part)().map_err(TextFault::Ours)?;
        self.is_last = part.is_none();
        let bytes = part.unwrap_or_default();
        self.served = 0;
        self.decoded.clear();
        let room = self
            .decoder
            .max_utf8_buffer_length_without_replacement(bytes.len())
            .unwrap_or(bytes.len() * 3 + 16);
        self.decoded.reserve(room);
        let (outcome, _) =
            self.decoder
                .decode_to_string_without_replacement(&bytes, &mut self.decoded, self.is_last);
        self.end_last_line();
        let nul = self.decoded.find('\0');
        let readable = nul.unwrap_or(self.decoded.len());
        let lines = self.decoded.as_bytes()[..readable]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let line = self.line + lines as u64;
        self.line = line;
        if nul.is_some() {
            return Err(TextFault::File(format!(
                "Line {line} holds U+0000, which no text file does. Is this a CSV file, and is `format.encoding` right?"
            )));
        }
        match outcome {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => Err(TextFault::File(format!(
                "Line {line} holds bytes that are not {}. Set `format.encoding` to how the file was saved, such as windows-1252.",
                self.encoding.name()
            ))),
        }
    }

    /// Every line ends with a line feed, the last one too, so that lines can be counted.
    fn end_last_line(&mut self) {
        let after_return = self.ends_in_return;
        if let Some(last) = self.decoded.bytes().last() {
            self.ends_in_return = last == b'\r';
        }
        if after_return && self.decoded.starts_with('\n') {
            self.decoded.remove(0);
        }
        if self.decoded.contains('\r') {
            self.decoded = self.decoded.replace("\r\n", "\n").replace('\r', "\n");
        }
        if self.is_last {
            self.decoded.push('\n');
        }
    }

    fn check_record(&self, taken: usize) -> Result<(), TextFault> {
        let length = self.meter.0.bytes.get() + taken as u64;
        self.meter.0.bytes.set(length);
        // The reader takes its buffer ahead of the record that it is at.
        if length > 2 * LONGEST_RECORD {
            return Err(TextFault::File(format!(
                "A row before line {} is longer than {LONGEST_RECORD} bytes. A quote that is not closed, or the wrong delimiter, can be why.",
                self.line + 1
            )));
        }
        Ok(())
    }
}

impl<F: FnMut() -> ApiResult<Option<Vec<u8>>>> Read for Text<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.served == self.decoded.len() && !self.is_last {
            self.refill().map_err(io::Error::other)?;
        }
        let rest = &self.decoded.as_bytes()[self.served..];
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.served += taken;
        self.meter.0.reached_end.set(rest.is_empty());
        self.check_record(taken).map_err(io::Error::other)?;
        Ok(taken)
    }
}

/// What stopped the reading of `error`: a fault that came up through the CSV reader, or one of its own.
pub fn fault_of(error: csv::Error) -> TextFault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => match error.downcast::<TextFault>() {
            Ok(fault) => fault,
            Err(error) => TextFault::Ours(ApiError::internal(error)),
        },
        kind => TextFault::Ours(ApiError::internal(format!("{kind:?}"))),
    }
}
