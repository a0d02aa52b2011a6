/*
 * Writes the SQL that changes users and profiles in a database. Owns nothing.
 * t/integration/test_store_commands.py covers it.
 */
#include "ctl/rows_sql.h"

#include <string.h>

#include "ctl/paste_quote.h"
#include "lib/conf/option_value.h"

/* Add a string. Arguments and postern.conf are UTF-8: rows_check_text() and ini_read_all(). */
static void add_string(struct strbuf *out, const char *text)
{
	if (paste_quote_sql_text(out, text) != 0)
		out->failed = true;
}

static void add_table(struct strbuf *out, const char *schema, const char *name)
{
	if (*schema != '\0') {
		if (paste_quote_sql_name(out, schema) != 0)
			out->failed = true;
		strbuf_add_char(out, '.');
	}
	strbuf_add_str(out, name);
}

/* Return the column that receives a value, quoted where its letters need it. */
static const char *column_of(const struct rows_value *value)
{
	return strcmp(value->column, "profile") == 0 || strcmp(value->column, "profileId") == 0 ?
		"\"profileId\"" :
		strcmp(value->column, "desc") == 0 ? "\"desc\"" :
						     value->column;
}

/* Add the end of a query for the profile with that name. */
static void add_profile(struct strbuf *out, const char *schema, const char *name)
{
	strbuf_add_str(out, " FROM ");
	add_table(out, schema, "profiles");
	strbuf_add_str(out, " WHERE name = ");
	add_string(out, name);
	strbuf_add_char(out, ')');
}

static void add_value(struct strbuf *out, const char *schema, const struct rows_value *value)
{
	if (strcmp(value->column, "profile") == 0) {
		strbuf_add_str(out, "(SELECT id");
		add_profile(out, schema, value->text);
	} else if (rows_kind_of(value->column) == ROWS_BOOL) {
		strbuf_add_str(out, option_bool(value->text) == 1 ? "true" : "false");
	} else if (rows_kind_of(value->column) == ROWS_NUMBER) {
		strbuf_add_str(out, *value->text == '\0' ? "NULL" : value->text);
	} else {
		add_string(out, value->text);
	}
}

/* Add the condition that the profile exists, if one is set by its name: without it, a name that is
 * not known would leave the user without a profile, and so perhaps without restrictions. */
static void add_profile_exists(struct strbuf *out, const char *before, const char *schema,
	const struct rows_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(values[i].column, "profile") != 0)
			continue;
		strbuf_addf(out, "%sEXISTS (SELECT", before);
		add_profile(out, schema, values[i].text);
	}
}

static void add_where(struct strbuf *out, const struct rows_table *table, const char *name)
{
	strbuf_addf(out, " WHERE %s = ", table->key);
	add_string(out, name);
}

void rows_sql_add(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out)
{
	strbuf_add_str(out, "INSERT INTO ");
	add_table(out, schema, table->name);
	strbuf_addf(out, " (%s%s", table->key, hash != NULL ? ", password" : "");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(out, ", %s", column_of(&values[i]));
	strbuf_add_str(out, ") SELECT ");
	add_string(out, name);
	if (hash != NULL) {
		strbuf_add_str(out, ", ");
		add_string(out, hash);
	}
	for (size_t i = 0; i < count; i++) {
		strbuf_add_str(out, ", ");
		add_value(out, schema, &values[i]);
	}
	add_profile_exists(out, " WHERE ", schema, values, count);
	strbuf_add_char(out, ';');
}

void rows_sql_set(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out)
{
	strbuf_add_str(out, "UPDATE ");
	add_table(out, schema, table->name);
	strbuf_add_str(out, " SET ");
	if (hash != NULL) {
		strbuf_add_str(out, "password = ");
		add_string(out, hash);
	}
	for (size_t i = 0; i < count; i++) {
		strbuf_addf(out, "%s%s = ", i > 0 || hash != NULL ? ", " : "",
			column_of(&values[i]));
		add_value(out, schema, &values[i]);
	}
	add_where(out, table, name);
	add_profile_exists(out, " AND ", schema, values, count);
	strbuf_add_char(out, ';');
}

void rows_sql_del(const struct rows_table *table, const char *schema, const char *name,
	struct strbuf *out)
{
	strbuf_add_str(out, "DELETE FROM ");
	add_table(out, schema, table->name);
	add_where(out, table, name);
	strbuf_add_char(out, ';');
}
