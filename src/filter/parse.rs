//! The grammar of RFC 7644 §3.4.2.2, with no knowledge of any attribute. For [`Filter::parse`](super::Filter::parse) only.

use super::{
    FilterError, MAX_CLAUSES, MAX_DEPTH, MAX_LENGTH,
    lexer::{Token, TokenKind, tokens},
    schema::Operator,
};

/// A filter as written. `and` and `or` never stand directly in themselves.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Present(Name),
    Compare {
        name: Name,
        operator: Operator,
        value: Literal,
    },
    /// `emails[type eq "work"]`.
    Values {
        name: Name,
        condition: Box<Expression>,
    },
}

/// An attribute's name as written, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub at: usize,
    pub text: String,
    /// Where the operator stands that follows.
    pub operator_at: usize,
}

/// A value as written, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal {
    pub at: usize,
    pub value: LiteralValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum LiteralValue {
    Text(String),
    /// A finite JSON number, as written.
    Number(String),
    Bool(bool),
    Null,
}

/// Parses a whole filter.
pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    if text.chars().nth(MAX_LENGTH).is_some() {
        let message = format!("a filter has at most {MAX_LENGTH} characters");
        return Err(FilterError::new(MAX_LENGTH, message));
    }
    let mut parser = Parser {
        tokens: tokens(text),
        position: 0,
        depth: 0,
        clauses: 0,
        in_brackets: false,
    };
    let expression = parser.any()?;
    match parser.peek().kind {
        TokenKind::End => Ok(expression),
        _ => Err(parser.expected("\"and\", \"or\" or the end of the filter")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
    clauses: usize,
    in_brackets: bool,
}

impl Parser {
    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut operands = Vec::new();
        loop {
            match self.all()? {
                Expression::Any(nested) => operands.extend(nested),
                operand => operands.push(operand),
            }
            if !self.accept_keyword("or") {
                return Ok(single_or(operands, Expression::Any));
            }
        }
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut operands = Vec::new();
        loop {
            match self.operand()? {
                Expression::All(nested) => operands.extend(nested),
                operand => operands.push(operand),
            }
            if !self.accept_keyword("and") {
                return Ok(single_or(operands, Expression::All));
            }
        }
    }

    fn operand(&mut self) -> Result<Expression, FilterError> {
        if self.accept_keyword("not") {
            if self.peek().kind != TokenKind::OpenParenthesis {
                return Err(self.expected("\"(\" after \"not\""));
            }
            return Ok(Expression::Not(Box::new(self.parenthesized()?)));
        }
        match self.peek().kind {
            TokenKind::OpenParenthesis => self.parenthesized(),
            _ => self.clause(),
        }
    }

    fn parenthesized(&mut self) -> Result<Expression, FilterError> {
        self.nested(TokenKind::CloseParenthesis, "\"and\", \"or\" or \")\"")
    }

    /// What stands between the current token and `close`.
    fn nested(&mut self, close: TokenKind, expected: &str) -> Result<Expression, FilterError> {
        if self.depth == MAX_DEPTH {
            let message = format!("parentheses and brackets may nest {MAX_DEPTH} deep");
            return Err(FilterError::new(self.peek().at, message));
        }
        self.depth += 1;
        self.advance();
        let expression = self.any()?;
        if self.peek().kind != close {
            return Err(self.expected(expected));
        }
        self.advance();
        self.depth -= 1;
        Ok(expression)
    }

    fn clause(&mut self) -> Result<Expression, FilterError> {
        let name = self.name()?;
        if self.peek().kind == TokenKind::OpenBracket {
            return self.values(name);
        }
        self.comparison(name)
    }

    /// The operator and the value that follow `name`.
    fn comparison(&mut self, mut name: Name) -> Result<Expression, FilterError> {
        if self.clauses == MAX_CLAUSES {
            let message = format!("a filter has at most {MAX_CLAUSES} comparisons");
            return Err(FilterError::new(name.at, message));
        }
        self.clauses += 1;
        name.operator_at = self.peek().at;
        if self.accept_keyword("pr") {
            return Ok(Expression::Present(name));
        }
        let operator = match &self.peek().kind {
            TokenKind::Word(word) => Operator::from_word(word),
            _ => None,
        };
        let Some(operator) = operator else {
            return Err(self.expected("an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr"));
        };
        self.advance();
        let value = self.literal()?;
        Ok(Expression::Compare {
            name,
            operator,
            value,
        })
    }

    fn values(&mut self, name: Name) -> Result<Expression, FilterError> {
        if self.in_brackets {
            return Err(FilterError::new(
                self.peek().at,
                "brackets may not stand in brackets",
            ));
        }
        self.in_brackets = true;
        let condition = Box::new(self.nested(TokenKind::CloseBracket, "\"and\", \"or\" or \"]\"")?);
        self.in_brackets = false;
        match self.part() {
            Some(part) => Ok(narrowed(name, *condition, self.comparison(part)?)),
            None => Ok(Expression::Values { name, condition }),
        }
    }

    /// The part of `emails[type eq "work"].value`.
    fn part(&mut self) -> Option<Name> {
        let Token { at, kind } = self.peek().clone();
        let TokenKind::Word(word) = kind else {
            return None;
        };
        let text = word.strip_prefix('.')?.to_owned();
        self.advance();
        Some(Name {
            at: at + 1,
            text,
            operator_at: at,
        })
    }

    fn name(&mut self) -> Result<Name, FilterError> {
        let Token { at, kind } = self.peek().clone();
        match kind {
            TokenKind::Word(text) if !is_keyword(&text) => {
                self.advance();
                Ok(Name {
                    at,
                    text,
                    operator_at: at,
                })
            }
            _ => Err(self.expected("the name of an attribute, \"not\" or \"(\"")),
        }
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let Token { at, kind } = self.peek().clone();
        let value = match kind {
            TokenKind::Text(text) => Some(LiteralValue::Text(text)),
            TokenKind::Number(number) => Some(LiteralValue::Number(number)),
            TokenKind::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => Some(LiteralValue::Bool(true)),
                "false" => Some(LiteralValue::Bool(false)),
                "null" => Some(LiteralValue::Null),
                _ => None,
            },
            _ => None,
        };
        let Some(value) = value else {
            return Err(self.expected("a value: text in double quotes, a number, true, false or null"));
        };
        self.advance();
        Ok(Literal { at, value })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.position]
    }

    /// Moves past a token; the last one is never passed.
    fn advance(&mut self) {
        self.position = (self.position + 1).min(self.tokens.len() - 1);
    }

    fn accept_keyword(&mut self, keyword: &str) -> bool {
        let accepted =
            matches!(&self.peek().kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword));
        if accepted {
            self.advance();
        }
        accepted
    }

    fn expected(&self, what: &str) -> FilterError {
        let token = self.peek();
        match &token.kind {
            TokenKind::Invalid(message) => FilterError::new(token.at, message.clone()),
            _ => FilterError::new(token.at, format!("expected {what}")),
        }
    }
}

/// `emails[type eq "work"].value eq "x"` is `emails[type eq "work" and value eq "x"]`; what negates
/// does so for the whole.
fn narrowed(name: Name, condition: Expression, comparison: Expression) -> Expression {
    let (negated, comparison) = match comparison {
        Expression::Compare {
            name,
            operator,
            value,
        } if value.value == LiteralValue::Null && matches!(operator, Operator::Eq | Operator::Ne) => {
            (operator == Operator::Eq, Expression::Present(name))
        }
        Expression::Compare {
            name,
            operator: Operator::Ne,
            value,
        } => (
            true,
            Expression::Compare {
                name,
                operator: Operator::Eq,
                value,
            },
        ),
        other => (false, other),
    };
    let mut operands = match condition {
        Expression::All(operands) => operands,
        other => vec![other],
    };
    operands.push(comparison);
    let values = Expression::Values {
        name,
        condition: Box::new(Expression::All(operands)),
    };
    if negated {
        Expression::Not(Box::new(values))
    } else {
        values
    }
}

fn single_or(mut operands: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match operands.pop() {
        Some(only) if operands.is_empty() => only,
        last => {
            operands.extend(last);
            join(operands)
        }
    }
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}
