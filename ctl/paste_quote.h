#ifndef POSTERN_PASTE_QUOTE_H
#define POSTERN_PASTE_QUOTE_H

#include "lib/base/strbuf.h"

/*
 * Quote text from outside for commands that a person pastes. The result is printable ASCII, so that
 * the printer for terminals changes nothing in it, and means exactly the same bytes, for SQL with
 * any client_encoding and standard_conforming_strings: where U&'...' is not permitted, psql reports
 * an error. Stateless.
 */

/*
 * Add a word for sh(1), bash and zsh: as it is, in single quotes, or, if a byte is not printable
 * ASCII, as "$(printf '\033...')". Returns 0, or -1 with out unchanged for a word that ends in LF
 * and has other such bytes, because no shell's command substitution keeps that.
 */
int paste_quote_shell(struct strbuf *out, const char *word);

/*
 * Add an identifier or a literal for PostgreSQL, for text in UTF-8: in quotes; as E'...' if a
 * literal contains a backslash; and as U&"..." or U&'...' if a character is not printable ASCII.
 * Returns 0, or -1 with out unchanged if the text is not UTF-8.
 */
int paste_quote_sql_name(struct strbuf *out, const char *name);
int paste_quote_sql_text(struct strbuf *out, const char *text);

#endif
