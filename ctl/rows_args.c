/*
 * The tables of the commands user and profile, and the values on their command lines. Owns nothing.
 * t/integration/test_store_commands.py covers it.
 */
#include "ctl/rows_args.h"

#include <string.h>
#include <strings.h>

#include "lib/base/near_name.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/base/visible.h"
#include "lib/conf/option_value.h"

const struct rows_table rows_users = {
	.command = "user",
	.name = "users",
	.key = "username",
	.columns = user_columns,
	.count = USER_COLUMNS,
	.has_passwords = true,
};

const struct rows_table rows_profiles = {
	.command = "profile",
	.name = "profiles",
	.key = "name",
	.columns = profile_columns,
	.count = PROFILE_COLUMNS,
};

enum rows_kind rows_kind_of(const char *column)
{
	if (strcmp(column, "enabled") == 0 || strcmp(column, "open") == 0)
		return ROWS_BOOL;
	if (strcmp(column, "id") == 0 || strcmp(column, "profileId") == 0 ||
		strcmp(column, "maxsize") == 0)
		return ROWS_NUMBER;
	return ROWS_TEXT;
}

int rows_check_text(const char *text, struct errmsg *err)
{
	struct strbuf shown = STRBUF_INIT;
	int ret = 0;

	visible_add(&shown, text, strlen(text));
	if (shown.failed)
		ret = errmsg_set(err, "out of memory");
	else if (*text != '\0' && strcmp(shown.text, text) != 0)
		ret = errmsg_set(err,
			"\"%s\": contains characters that cannot be seen, or is not UTF-8",
			shown.text);
	strbuf_free(&shown);
	return ret;
}

/* Return the table's name of a column; NULL if there is none. */
static const char *find_column(const struct rows_table *table, const char *name, size_t len)
{
	static const char profile[] = "profile";

	for (size_t i = 0; i < table->count; i++)
		if (strlen(table->columns[i].name) == len &&
			strncasecmp(table->columns[i].name, name, len) == 0)
			return table->columns[i].name;
	return table->has_passwords && len == strlen(profile) && strncmp(name, profile, len) == 0 ?
		profile :
		NULL;
}

static int report_unknown(const struct rows_table *table, const char *name, size_t len,
	struct errmsg *err)
{
	struct strbuf known = STRBUF_INIT;

	for (size_t i = 1; i < table->count; i++) /* without the id */
		if (strcmp(table->columns[i].name, "password") != 0)
			strbuf_addf(&known, " %s", table->columns[i].name);
	(void)errmsg_set(err, "there is no column \"%.*s\"; the columns are%s%s",
		TEXT_CUT_LEN(name, len, 60), known.failed ? "" : known.text,
		table->has_passwords ? ", and profile for the name of one" : "");
	strbuf_free(&known);
	return -1;
}

static int check_value(const struct rows_table *table, const struct rows_value *value,
	struct errmsg *err)
{
	if (rows_check_text(value->text, err) != 0)
		return -1;
	if (strcmp(value->column, "id") == 0)
		return errmsg_set(err, "the id of a row does not change");
	if (strcmp(value->column, "password") == 0)
		return errmsg_set(err, "a password is set by 'posternctl user passwd'");
	if (strcmp(value->column, table->key) == 0 && *value->text == '\0')
		return errmsg_set(err, "%s is empty", table->key);
	if (rows_kind_of(value->column) == ROWS_BOOL && option_bool(value->text) < 0)
		return errmsg_set(err, "%s: \"%s\" is neither yes nor no", value->column,
			value->text);
	if (rows_kind_of(value->column) == ROWS_NUMBER && *value->text != '\0' &&
		(strspn(value->text, "0123456789") != strlen(value->text) ||
			strlen(value->text) > 18 ||
			(value->text[0] == '0' && value->text[1] != '\0')))
		return errmsg_set(err, "%s: \"%s\" is not a number", value->column, value->text);
	return 0;
}

int rows_read_values(const struct rows_table *table, int argc, char **argv,
	struct rows_value values_r[ROWS_VALUES_MAX], struct errmsg *err)
{
	int count = 0;

	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		struct rows_value *value = &values_r[count];

		if (equals == NULL)
			return errmsg_set(err, "\"%s\": write COLUMN=VALUE", argv[i]);
		if (count == ROWS_VALUES_MAX)
			return errmsg_set(err, "too many values");
		value->column = find_column(table, argv[i], (size_t)(equals - argv[i]));
		value->text = equals + 1;
		if (value->column == NULL)
			return report_unknown(table, argv[i], (size_t)(equals - argv[i]), err);
		for (int j = 0; j < count; j++)
			if (strcmp(values_r[j].column, value->column) == 0)
				return errmsg_set(err, "%s is given twice", value->column);
		if (check_value(table, value, err) != 0)
			return -1;
		count++;
	}
	return count;
}
