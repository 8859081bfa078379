//! Cuts a filter's text into tokens. For the parser only.

/// A token and the number of characters before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub at: usize,
    pub kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// An attribute's name, a part after a dot (`.value`), an operator or a keyword.
    Word(String),
    Text(String),
    /// A number, as written.
    Number(String),
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    End,
    /// What is no token, and why. Nothing follows it.
    Invalid(String),
    /// A character that begins no token. Nothing follows it.
    Unknown,
}

/// The tokens of `text`; the last one is `End`, `Invalid` or `Unknown`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        while characters
            .get(at)
            .is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
        {
            at += 1;
        }
        let (kind, length) = next(&characters[at..]);
        let last = matches!(kind, TokenKind::End | TokenKind::Invalid(_) | TokenKind::Unknown);
        tokens.push(Token { at, kind });
        if last {
            return tokens;
        }
        at += length;
    }
}

fn next(rest: &[char]) -> (TokenKind, usize) {
    let Some(&first) = rest.first() else {
        return (TokenKind::End, 0);
    };
    match first {
        '(' => (TokenKind::OpenParenthesis, 1),
        ')' => (TokenKind::CloseParenthesis, 1),
        '[' => (TokenKind::OpenBracket, 1),
        ']' => (TokenKind::CloseBracket, 1),
        '"' => text(rest),
        '-' | '0'..='9' => number(rest),
        c if is_word_start(c) => {
            let word = run(rest, is_word);
            let length = word.len();
            (TokenKind::Word(word), length)
        }
        _ => (TokenKind::Unknown, 0),
    }
}

fn text(rest: &[char]) -> (TokenKind, usize) {
    let mut escaped = false;
    let close = rest.iter().skip(1).position(|&c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    let Some(close) = close else {
        return (
            TokenKind::Invalid("this text has no closing double quote".into()),
            0,
        );
    };
    let length = close + 2;
    let json: String = rest[..length].iter().collect();
    let kind = match serde_json::from_str::<String>(&json) {
        Ok(text) if text.contains('\0') => {
            TokenKind::Invalid("this text holds the character U+0000, which cannot be stored".into())
        }
        Ok(text) => TokenKind::Text(text),
        Err(_) => TokenKind::Invalid(
            "this text is not a JSON string: \\ and control characters must be escaped as in JSON".into(),
        ),
    };
    (kind, length)
}

fn number(rest: &[char]) -> (TokenKind, usize) {
    let number = run(rest, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
    });
    let length = number.len();
    let finite = number.parse::<f64>().is_ok_and(f64::is_finite);
    if finite && serde_json::from_str::<serde_json::Number>(&number).is_ok() {
        return (TokenKind::Number(number), length);
    }
    let message = format!("{number} is not a number; text, dates and durations stand in double quotes");
    (TokenKind::Invalid(message), 0)
}

fn run(rest: &[char], belongs: impl Fn(char) -> bool) -> String {
    rest.iter().copied().take_while(|&c| belongs(c)).collect()
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$' | '.')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-' | '.' | ':')
}
