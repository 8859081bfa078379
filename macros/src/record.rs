//! `#[derive(Record)]`: which columns a struct reads and writes.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Lit, LitStr, Meta, Path, Result};

/// Implements `crate::resource::Record` for a struct with `#[diesel(table_name = …)]`: one `Column` for each field, and
/// those of the struct in a field with `#[diesel(embed)]`.
pub fn expand(input: &DeriveInput) -> Result<Tokens> {
    let name = &input.ident;
    let table = table(&input.attrs)
        .ok_or_else(|| Error::new(name.span(), "needs #[diesel(table_name = …)] to know its columns"))?;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(name.span(), "only structs have columns"));
    };
    let steps = data
        .fields
        .iter()
        .map(|field| step(field, &table))
        .collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        impl crate::resource::Record for #name {
            fn columns() -> Vec<crate::resource::Column> {
                let mut columns = Vec::new();
                #(#steps)*
                columns
            }
        }
    })
}

fn step(field: &Field, table: &str) -> Result<Tokens> {
    let kind = &field.ty;
    if is_embedded(field)? {
        return Ok(quote!(columns.extend(<#kind as crate::resource::Record>::columns());));
    }
    let Some(ident) = &field.ident else {
        return Err(Error::new_spanned(field, "needs a name"));
    };
    let name = ident.to_string();
    let path = format!("{table}.{name}");
    let doc = first_paragraph(&field.attrs);
    let Marks {
        is_folded,
        is_sortable,
        is_fixed,
        is_opaque,
        is_elsewhere,
        computed,
        kind: given,
    } = marks(field)?;
    let computed = match computed {
        Some(text) => quote!(Some(#text)),
        None => quote!(None),
    };
    let kind = match (given, is_opaque, is_folded) {
        (Some(path), ..) => quote!(Some(crate::filter::Kind::#path)),
        (None, true, _) => quote!(None),
        (None, false, true) => quote!(Some(crate::filter::Kind::Folded)),
        (None, false, false) => quote!(Some(<#kind as crate::resource::Filterable>::KIND)),
    };
    Ok(quote! {
        columns.push(crate::resource::Column {
            name: #name,
            path: #path,
            doc: #doc,
            kind: #kind,
            is_folded: #is_folded,
            is_sortable: #is_sortable,
            is_fixed: #is_fixed,
            is_elsewhere: #is_elsewhere,
            computed: #computed,
        });
    })
}

/// What `#[record(…)]` says of a field.
#[derive(Default)]
struct Marks {
    is_folded: bool,
    is_sortable: bool,
    is_fixed: bool,
    is_opaque: bool,
    is_elsewhere: bool,
    computed: Option<LitStr>,
    kind: Option<Path>,
}

fn marks(field: &Field) -> Result<Marks> {
    let mut marks = Marks::default();
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("record"))
    {
        attribute.parse_nested_meta(|meta| {
            let mark = |name| meta.path.is_ident(name);
            if mark("folded") {
                marks.is_folded = true;
            } else if mark("sort") {
                marks.is_sortable = true;
            } else if mark("fixed") {
                marks.is_fixed = true;
            } else if mark("opaque") {
                marks.is_opaque = true;
            } else if mark("elsewhere") {
                (marks.is_opaque, marks.is_elsewhere) = (true, true);
            } else if mark("computed") {
                marks.is_opaque = true;
                marks.computed = Some(meta.value()?.parse()?);
            } else if mark("kind") {
                marks.kind = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("is none of folded, sort, fixed, opaque, elsewhere, computed, kind"));
            }
            Ok(())
        })?;
    }
    Ok(marks)
}

fn is_embedded(field: &Field) -> Result<bool> {
    let mut found = false;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("diesel"))
    {
        if let Meta::List(list) = &attribute.meta {
            found |= list.tokens.to_string() == "embed";
        }
    }
    Ok(found)
}

fn table(attributes: &[Attribute]) -> Option<String> {
    let diesel = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("diesel"));
    let mut table = None;
    for attribute in diesel {
        // Others of diesel's settings are not ours to read.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("table_name") {
                let path: Path = meta.value()?.parse()?;
                table = path.segments.last().map(|segment| segment.ident.to_string());
            }
            Ok(())
        });
    }
    table
}

/// The doc comment up to its first empty line, as one line.
fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
