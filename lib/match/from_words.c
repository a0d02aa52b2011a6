/*
 * Scans the name of a mailbox or group in an address field, and notes what makes programs read it
 * differently. Stateless; any thread may call it.
 */
#include "lib/match/from_words.h"

#include <string.h>

/* Return whether the token is a dot outside of words, as only RFC 5322 obs-phrase allows it. */
static bool is_dot(const struct from_token *t)
{
	return from_token_is(t, ".") && !t->encoded;
}

/* Return whether the token is a quoted string, or the end of an encoded-word. */
static bool may_hide(const struct from_token *t)
{
	return t->kind == FROM_QUOTED ||
		(t->kind == FROM_WORD && t->len > 1 && memcmp(t->text + t->len - 2, "?=", 2) == 0);
}

/* Note a quoted string in a name, which follows something if it is not the first. */
static void note_quoted(struct from_words *w, const struct from_token *t, bool is_first)
{
	w->is_uncommon |= w->dotted || (w->may_hide && memchr(t->text, '@', t->len) != NULL);
	w->is_sloppy |= !is_first && ((!t->spaced && !t->commented) || t->delicate);
	/* some readers look for an address in any quoted string but the first word; others
	 * recognize quotes only behind other quoted strings */
	w->is_list |= (!is_first && memchr(t->text, '<', t->len) != NULL) ||
		(t->divided && (w->has_word || w->has_comment || t->commented));
	w->may_hide = true;
}

static void note_word(struct from_words *w, const struct from_token *t, bool is_first)
{
	const bool encoded = t->len > 1 && memcmp(t->text, "=?", 2) == 0;

	w->has_word = true;
	w->is_uncommon |= (unsigned char)*t->text >= 0x80 || strchr("#`", *t->text) != NULL ||
		(*t->text == '=' && !encoded);
	w->is_sloppy |= encoded && !is_first && !t->spaced && !t->commented;
	w->has_stray |= memchr(t->text, '\\', t->len) != NULL;
	w->may_hide |= memmem(t->text, t->len, "=?", 2) != NULL;
}

struct from_token from_words_scan(struct from_lexer *lx, struct from_words *words_r)
{
	struct from_words w = { .plain = true };
	bool begun = false, behind_hiding = false, delicate = false;
	struct from_token t;

	for (;;) {
		t = from_token_next(lx);
		w.is_sloppy |= delicate && (t.commented || !from_token_is(&t, ",;:<"));
		w.any = w.any || t.commented;
		if (t.kind == FROM_END || from_token_is(&t, ",;:<"))
			break;
		w.any = true;
		w.is_sloppy |= t.commented;
		w.has_at = w.has_at || from_token_is(&t, "@");
		if (t.kind == FROM_QUOTED)
			note_quoted(&w, &t, !begun && !t.commented);
		else if (t.kind == FROM_WORD)
			note_word(&w, &t, !begun);
		delicate |= t.delicate;
		w.has_comment |= t.commented;
		w.is_uncommon |= is_dot(&t) && behind_hiding && !t.spaced;
		w.dotted |= is_dot(&t);
		behind_hiding = may_hide(&t);
		if (t.kind == FROM_MARK && (!begun || !from_token_is(&t, "."))) {
			w.has_stray |= t.mark != '@';
			w.is_sloppy |= t.mark != '@';
		} else {
			w.plain = w.plain && from_token_is_plain_word(&t);
		}
		begun = true;
	}
	*words_r = w;
	return t;
}

bool from_words_are_strange(struct from_lexer lx)
{
	struct from_signs unused = { false };
	bool dot = false, within = false, strange = false, address = false;
	struct from_token t;

	lx.signs = &unused;
	do {
		t = from_token_next(&lx);
		if (t.kind == FROM_END || from_token_is(&t, ",;:<>")) {
			if (strange && !address && !within)
				return true;
			within = from_token_is(&t, "<");
			strange = address = false;
		} else {
			strange = strange || from_token_is_strange(&t) || (dot && !t.spaced);
			address = address || from_token_is(&t, "@");
		}
		dot = from_token_is(&t, ".");
	} while (t.kind != FROM_END);
	return false;
}
