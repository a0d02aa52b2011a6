#ifndef POSTERN_PG_CHARACTERS_H
#define POSTERN_PG_CHARACTERS_H

#include "milter/pg/characters.h"
#include "milter/pg/pg_private.h"

/*
 * Return libpq's number of the server's encoding if its texts must be translated; -1 for UTF-8, and
 * for SQL_ASCII, which is no encoding.
 */
int pg_foreign_encoding(const struct pg *pg);

/*
 * Have the server translate the collected characters about which it has not been asked yet. Those
 * that it cannot translate keep no translation. Run this in a transaction.
 */
enum pg_outcome pg_translate_characters(struct pg *pg, struct characters *characters);

#endif
