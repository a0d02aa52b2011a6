#ifndef POSTERN_SQL_TOKENS_H
#define POSTERN_SQL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Splits SQL text as PostgreSQL's scanner does (scan.l, with standard_conforming_strings on): the
 * configured queries, and the expressions that EXPLAIN prints. It only distinguishes what is needed
 * to find names and literals in them. Keeps no state; any thread may call it.
 */
enum sql_token_kind {
	SQL_END,
	SQL_NAME,     /* an identifier or keyword, without quotes */
	SQL_QUOTED,   /* "an identifier", with its quotes */
	SQL_STRING,   /* a literal: '...', E'...', $tag$...$tag$ */
	SQL_OPERATOR, /* such as || or ~~*, but not :: */
	SQL_CAST,     /* :: */
	SQL_OTHER     /* a number, a parameter, or one character: ( ) [ ] , . ; : */
};

struct sql_token {
	enum sql_token_kind kind;
	const char *text; /* within the text that is split */
	size_t len;
	bool after_space; /* white space or a comment precedes it */
};

/* Read the token at *at, which then moves behind it. An unterminated one ends with the text. */
struct sql_token sql_token_next(const char **at);

/* Return whether the token is this one character. */
bool sql_token_is(const struct sql_token *token, char c);

/*
 * Write the name of a SQL_NAME or SQL_QUOTED token as the catalogs contain it: without quotes, and
 * in lower case (ASCII) if it had none. Returns 0, or -1 if it is longer than a name can be.
 */
#define SQL_NAME_SIZE 256 /* NAMEDATALEN is 64; servers may be built with more */
int sql_token_name(const struct sql_token *token, char name_r[SQL_NAME_SIZE]);

#endif
