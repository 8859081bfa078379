-- Who sees a category and its published courses: whoever sees the catalog, or those whose scope covers them only.
ALTER TABLE categories ADD COLUMN visibility text NOT NULL DEFAULT 'everyone'
    CHECK (visibility IN ('everyone', 'restricted'));
