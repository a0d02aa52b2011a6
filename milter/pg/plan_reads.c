/*
 * Collects what a query reads from the plan that EXPLAIN prints as JSON, and from the query's text.
 * It owns the collection until the caller takes it over; any thread may call it.
 */
#include "milter/pg/plan_reads.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "milter/pg/sql_tokens.h"

/* The keys of a plan's node whose texts are not expressions. */
static const char *const names_only[] = { "Node Type", "Parent Relationship", "Relation Name",
	"Schema", "Alias", "Index Name", "CTE Name", "Subplan Name", "Function Name",
	"Table Function Name", "Tuplestore Name", "Strategy", "Partial Mode", "Join Type",
	"Scan Direction", "Command", "Operation", "Sampling Method", "Custom Plan Provider",
	"Remote SQL", "Relations" };

/* PostgreSQL prints these with a parenthesis, as functions; they call none. */
static const char *const syntax[] = { "array", "coalesce", "exists", "greatest", "grouping",
	"least", "nullif", "row", "xmlconcat", "xmlelement", "xmlforest", "xmlparse", "xmlpi",
	"xmlroot", "xmlserialize" };

/* Expressions without a parenthesis that depend on the time. */
static const char *const clocks[] = { "current_date", "current_time", "current_timestamp",
	"localtime", "localtimestamp" };

/* Literals of dates and times that PostgreSQL replaces when it parses a query. */
static const char *const times[] = { "now", "today", "tomorrow", "yesterday" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool is_among(const char *name, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* ---- sets ----------------------------------------------------------------------- */

static int add_key(json_t *set, const char *key)
{
	return json_object_set_new(set, key, json_true());
}

static void add_quoted(struct strbuf *to, const char *name)
{
	strbuf_add_char(to, '"');
	for (; *name != '\0'; name++) {
		strbuf_add_char(to, *name);
		if (*name == '"')
			strbuf_add_char(to, '"');
	}
	strbuf_add_char(to, '"');
}

/* Add a name with its schema, which may be NULL. */
static int add_qualified(json_t *set, const char *schema, const char *name)
{
	struct strbuf key = STRBUF_INIT;
	json_t *pair = json_pack("[s?, s]", schema, name);
	char *text;
	int ret = -1;

	if (schema != NULL) {
		add_quoted(&key, schema);
		strbuf_add_char(&key, '.');
	}
	add_quoted(&key, name);
	text = strbuf_take(&key);
	if (text != NULL)
		ret = json_object_set(set, text, pair);
	free(text);
	json_decref(pair);
	return ret;
}

/* ---- expressions ---------------------------------------------------------------- */

/* Return whether the literal contains a word that stands for a time, as 'today 10:00' does. */
static bool has_time_word(const struct sql_token *literal)
{
	size_t i, len = 0;
	char word[16];

	for (i = 0; i <= literal->len; i++) {
		const char c = i < literal->len ? literal->text[i] : '\0';

		if (isalnum((unsigned char)c) || c == '_') {
			if (len < sizeof(word) - 1)
				word[len] = (char)tolower((unsigned char)c);
			len++;
			continue;
		}
		word[len < sizeof(word) ? len : 0] = '\0';
		if (is_among(word, times, COUNT(times)))
			return true;
		len = 0;
	}
	return false;
}

static int add_literal(struct plan_reads *reads, const struct sql_token *literal)
{
	char text[64];

	if (!has_time_word(literal))
		return 0;
	(void)text_format(text, sizeof(text), "the literal %.*s",
		TEXT_CUT_LEN(literal->text, literal->len, 40));
	return add_key(reads->changing, text);
}

static bool is_name(const struct sql_token *token)
{
	return token->kind == SQL_NAME || token->kind == SQL_QUOTED;
}

/* Skip the type's name after a cast and its modifiers, as in ::character varying(10)[]. */
static void skip_type(const char **at)
{
	const char *ahead = *at;
	struct sql_token token = sql_token_next(&ahead);

	while (is_name(&token) || sql_token_is(&token, '.')) {
		*at = ahead;
		token = sql_token_next(&ahead);
		if (is_name(&token) && token.after_space &&
			!(token.len == 7 && strncasecmp(token.text, "varying", 7) == 0))
			return;
	}
	if (!sql_token_is(&token, '('))
		return;
	do
		token = sql_token_next(&ahead);
	while (token.kind != SQL_END && !sql_token_is(&token, ')'));
	*at = ahead;
}

/* Add the function whose last name part is `name`; PostgreSQL prints its parenthesis next to it. */
static int add_call(struct plan_reads *reads, const char *schema, const struct sql_token *token,
	const char *name)
{
	if (schema == NULL && token->kind == SQL_NAME && is_among(name, syntax, COUNT(syntax)))
		return 0;
	return add_qualified(reads->functions, schema, name);
}

/* Collect the names that begin at `token`: a.b.c, or a call of one. */
static int scan_name(struct plan_reads *reads, struct sql_token token, const char **at)
{
	char names[2][SQL_NAME_SIZE] = { "", "" };
	const char *ahead;
	struct sql_token next;
	int count = 0;

	for (;;) {
		memcpy(names[0], names[1], sizeof(names[0]));
		if (sql_token_name(&token, names[1]) < 0)
			return add_key(reads->changing, "a name that is too long");
		count++;
		ahead = *at;
		next = sql_token_next(&ahead);
		if (sql_token_is(&next, '(') && !next.after_space)
			return add_call(reads, count > 1 ? names[0] : NULL, &token, names[1]);
		if (!sql_token_is(&next, '.'))
			break;
		token = sql_token_next(&ahead);
		if (!is_name(&token))
			break;
		*at = ahead;
	}
	if (count == 1 && token.kind == SQL_NAME && is_among(names[1], clocks, COUNT(clocks))) {
		for (char *c = names[1]; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		return add_key(reads->changing, names[1]);
	}
	return 0;
}

static int add_operator(struct plan_reads *reads, const struct sql_token *token)
{
	char text[64];

	if (token->len >= sizeof(text))
		return add_key(reads->changing, "an operator whose name is too long");
	memcpy(text, token->text, token->len);
	text[token->len] = '\0';
	return add_key(reads->operators, text);
}

static int scan_expression(struct plan_reads *reads, const char *text)
{
	struct sql_token token;
	int ret = 0;

	while (ret == 0 && (token = sql_token_next(&text)).kind != SQL_END) {
		if (is_name(&token))
			ret = scan_name(reads, token, &text);
		else if (token.kind == SQL_CAST)
			skip_type(&text);
		else if (token.kind == SQL_STRING)
			ret = add_literal(reads, &token);
		else if (token.kind == SQL_OPERATOR)
			ret = add_operator(reads, &token);
	}
	return ret;
}

/* ---- the query's text ----------------------------------------------------------- */

static int scan_query(struct plan_reads *reads, const char *text)
{
	char name[SQL_NAME_SIZE];
	struct sql_token token;
	int ret = 0;

	while (ret == 0 && (token = sql_token_next(&text)).kind != SQL_END) {
		if (is_name(&token) && sql_token_name(&token, name) == 0)
			ret = add_key(reads->words, name);
		else if (token.kind == SQL_STRING)
			ret = add_literal(reads, &token);
	}
	return ret;
}

/* ---- the plan ------------------------------------------------------------------- */

static const char *text_of(const json_t *node, const char *key)
{
	return json_string_value(json_object_get(node, key));
}

/* Return whether the node reads rows from somewhere that it does not name. */
static bool is_opaque(const char *type, const json_t *node)
{
	return json_object_get(node, "Relation Name") == NULL &&
		(strcmp(type, "Foreign Scan") == 0 || strcmp(type, "Custom Scan") == 0);
}

static int scan_node(struct plan_reads *reads, const json_t *node)
{
	const char *relation = text_of(node, "Relation Name"), *schema = text_of(node, "Schema");
	const char *type = text_of(node, "Node Type");
	char text[128];
	int ret = 0;

	if (type == NULL)
		return -1;
	if (relation != NULL && schema == NULL)
		return -1;
	if (relation != NULL)
		ret = add_qualified(reads->relations, schema, relation);
	if (ret == 0 && strcmp(type, "Sample Scan") == 0)
		ret = add_key(reads->changing, "TABLESAMPLE");
	if (ret == 0 && is_opaque(type, node)) {
		(void)text_format(text, sizeof(text), "a %s of %s", type,
			text_of(node, "Relations") != NULL ? text_of(node, "Relations") :
							     "unknown relations");
		ret = add_key(reads->changing, text);
	}
	return ret;
}

/* Scan a value, and append the values in it to `todo`. */
static int scan_value(struct plan_reads *reads, json_t *value, json_t *todo)
{
	const char *key;
	json_t *member;
	size_t i;
	int ret = 0;

	if (json_is_string(value))
		return scan_expression(reads, json_string_value(value));
	if (json_object_get(value, "Node Type") != NULL)
		ret = scan_node(reads, value);
	json_object_foreach (value, key, member) {
		if (ret == 0 && !is_among(key, names_only, COUNT(names_only)))
			ret = json_array_append(todo, member);
	}
	json_array_foreach (value, i, member) {
		if (ret == 0)
			ret = json_array_append(todo, member);
	}
	return ret;
}

/* Scan each expression and each node in `top`. */
static int scan_all(struct plan_reads *reads, json_t *top)
{
	json_t *todo = json_array(), *value;
	int ret = json_array_append(todo, top);

	while (ret == 0 && json_array_size(todo) > 0) {
		value = json_incref(json_array_get(todo, json_array_size(todo) - 1));
		ret = json_array_remove(todo, json_array_size(todo) - 1);
		if (ret == 0)
			ret = scan_value(reads, value, todo);
		json_decref(value);
	}
	json_decref(todo);
	return ret;
}

/* Scan the array of one object with the key "Plan" that EXPLAIN prints. */
static int scan_plan(struct plan_reads *reads, const json_t *explained, struct errmsg *err)
{
	json_t *plan = json_object_get(json_array_get(explained, 0), "Plan");

	if (!json_is_object(plan) || json_object_get(plan, "Node Type") == NULL)
		return errmsg_set(err, "EXPLAIN printed no plan");
	if (scan_all(reads, plan) < 0)
		return errmsg_set(err, "the plan that EXPLAIN printed is not understood");
	return 0;
}

int plan_reads_parse(const char *query, const char *plan, struct plan_reads *reads_r,
	struct errmsg *err)
{
	struct plan_reads reads = { json_object(), json_object(), json_object(), json_object(),
		json_object() };
	json_error_t error;
	json_t *explained = json_loads(plan, 0, &error);
	int ret;

	*reads_r = (struct plan_reads){ 0 };
	if (explained == NULL)
		ret = errmsg_set(err, "EXPLAIN printed no JSON: %s", error.text);
	else
		ret = scan_plan(&reads, explained, err);
	if (ret == 0 && scan_query(&reads, query) < 0)
		ret = errmsg_set(err, "the names in the query cannot be collected");
	json_decref(explained);
	if (ret == 0)
		*reads_r = reads;
	else
		plan_reads_clear(&reads);
	return ret;
}

void plan_reads_clear(struct plan_reads *reads)
{
	json_decref(reads->relations);
	json_decref(reads->functions);
	json_decref(reads->operators);
	json_decref(reads->words);
	json_decref(reads->changing);
	*reads = (struct plan_reads){ 0 };
}
