//! Procedural macros of Provost. Called through `provost::sql!`.

mod record;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Error, Expr, Ident, LitStr, Result, Token,
    parse::{Parse, ParseStream},
    parse_macro_input,
};

/// One statement: the path of the crate `provost`, its text, and the values of places that the text names.
struct Statement {
    home: Tokens,
    text: LitStr,
    values: Vec<(Ident, Expr)>,
}

impl Parse for Statement {
    fn parse(input: ParseStream) -> Result<Self> {
        let home: syn::Path = input.parse()?;
        input.parse::<Token![,]>()?;
        let text = input.parse()?;
        let mut values = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name = input.parse()?;
            input.parse::<Token![=]>()?;
            values.push((name, input.parse()?));
        }
        Ok(Statement {
            home: quote!(#home),
            text,
            values,
        })
    }
}

/// A piece of a statement's text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    /// A place, by the name or the dotted path between its braces.
    Place(&'a str),
}

/// Cuts a text at its places: `{name}` and `{path.to.field}`. Other braces belong to the text, such as those of `'{}'`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for (open, _) in text.match_indices('{') {
        let Some(length) = text[open + 1..].find('}') else {
            break;
        };
        let name = &text[open + 1..open + 1 + length];
        if !is_path(name) {
            continue;
        }
        if begin < open {
            pieces.push(Piece::Text(&text[begin..open]));
        }
        pieces.push(Piece::Place(name));
        begin = open + length + 2;
    }
    if begin < text.len() {
        pieces.push(Piece::Text(&text[begin..]));
    }
    pieces
}

fn is_path(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Makes a statement of one text literal. `{name}` stands for the value of `name = …` after the text, or else of the
/// variable `name`; `{path.to.field}` for that field. Each implements `provost::db::sql::Place`.
#[proc_macro]
pub fn statement(input: TokenStream) -> TokenStream {
    let statement = parse_macro_input!(input as Statement);
    expand(&statement)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// Says which columns of its table a struct has, from its fields: `provost::resource::Record`. A field may be marked
/// `#[record(…)]`: `folded` (its key form stands in `<field>_folded`), `sort` (lists can be in its order), `fixed` (set when a
/// row is added, never changed), `opaque` (filters do not name it), `words` (one of a `text_enum!`), `kind = Exact` (how filters compare it).
#[proc_macro_derive(Record, attributes(record, diesel))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as syn::DeriveInput);
    record::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(statement: &Statement) -> Result<Tokens> {
    let Statement { home, text, values } = statement;
    let literal = text.value();
    let pieces = pieces(&literal);
    for (name, _) in values {
        if !pieces.contains(&Piece::Place(&name.to_string())) {
            return Err(Error::new(name.span(), "no place of the statement has this name"));
        }
    }
    let names = values.iter().map(|(name, _)| name);
    let expressions = values.iter().map(|(_, expression)| expression);
    let mut steps = Vec::new();
    for piece in &pieces {
        steps.push(match piece {
            Piece::Text(piece) => quote!(sql.push_text(#piece);),
            Piece::Place(path) => {
                let path: Expr = LitStr::new(path, text.span())
                    .parse()
                    .map_err(|_| Error::new(text.span(), format!("`{{{path}}}` is no name of a value")))?;
                quote!(#home::db::sql::Place::put_in(&#path, &mut sql);)
            }
        });
    }
    // One `let` for all, so that no value sees the name of another one.
    Ok(quote! {{
        #[allow(unused_parens, reason = "a value may be any expression")]
        let (#(#names,)*) = (#(&(#expressions),)*);
        #[allow(unused_mut, reason = "an empty text pushes nothing")]
        let mut sql = #home::db::sql::Sql::default();
        #(#steps)*
        sql
    }})
}

#[cfg(test)]
mod tests {
    use super::{Piece::*, pieces};

    #[test]
    fn names_between_braces_are_places_and_other_braces_are_text() {
        assert_eq!(
            pieces("SELECT '{}'::jsonb, {now} WHERE a = ANY('{x,y}') AND id = {plan.import}"),
            [
                Text("SELECT '{}'::jsonb, "),
                Place("now"),
                Text(" WHERE a = ANY('{x,y}') AND id = "),
                Place("plan.import"),
            ]
        );
        assert_eq!(
            pieces("'{\"a\": {\"b\": 1}}' || {x}"),
            [Text("'{\"a\": {\"b\": 1}}' || "), Place("x")]
        );
        assert_eq!(pieces(""), []);
    }
}
