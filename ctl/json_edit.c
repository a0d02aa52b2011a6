/*
 * Changes single values of a JSON text and preserves the rest. Owns nothing.
 * t/unit/test_json_edit.c covers it.
 */
#include "ctl/json_edit.h"

#include <string.h>
#include <strings.h>

static const char spaces[] = " \t\r\n";

static size_t skip_space(const char *text, size_t at)
{
	return at + strspn(text + at, spaces);
}

/* Return the end of the string that begins at `at`. */
static size_t string_end(const char *text, size_t at)
{
	for (at++; text[at] != '"' && text[at] != '\0'; at++)
		if (text[at] == '\\' && text[at + 1] != '\0')
			at++;
	return text[at] == '"' ? at + 1 : at;
}

/* Return the end of the value that begins at `at`. */
static size_t value_end(const char *text, size_t at)
{
	size_t depth = 0;

	if (text[at] == '"')
		return string_end(text, at);
	if (text[at] != '{' && text[at] != '[')
		return at + strcspn(text + at, " \t\r\n,]}");
	do {
		if (text[at] == '"') {
			at = string_end(text, at);
			continue;
		}
		depth += text[at] == '{' || text[at] == '[' ? 1 : 0;
		depth -= text[at] == '}' || text[at] == ']' ? 1 : 0;
		at++;
	} while (depth > 0 && text[at] != '\0');
	return at;
}

static struct json_span value_at(const char *text, size_t at)
{
	return (struct json_span){ at, value_end(text, at) };
}

struct json_span json_edit_root(const char *text, size_t len)
{
	const size_t at = skip_space(text, 0);

	return at < len ? value_at(text, at) : (struct json_span){ len, len };
}

/* Return whether the string at the place is the key. A key with escapes is none of ours. */
static bool is_key(const char *text, struct json_span string, const char *key, enum json_keys keys)
{
	const size_t len = strlen(key);

	return string.end - string.at == len + 2 &&
		(keys == JSON_KEYS_EXACT ? strncmp(text + string.at + 1, key, len) :
					   strncasecmp(text + string.at + 1, key, len)) == 0;
}

/* Step to the next key of an object: *at is behind the { or a comma. Returns false at the end. */
static bool next_member(const char *text, size_t *at, struct json_span *key_r,
	struct json_span *value_r)
{
	*at = skip_space(text, *at);
	if (text[*at] != '"')
		return false;
	*key_r = value_at(text, *at);
	*value_r = value_at(text, skip_space(text, skip_space(text, key_r->end) + 1));
	*at = skip_space(text, value_r->end);
	*at += text[*at] == ',' ? 1 : 0;
	return true;
}

bool json_edit_member(const char *text, struct json_span object, const char *key,
	enum json_keys keys, struct json_span *value_r)
{
	struct json_span name, value;
	size_t at = object.at + 1;

	while (next_member(text, &at, &name, &value)) {
		if (is_key(text, name, key, keys)) {
			*value_r = value;
			return true;
		}
	}
	return false;
}

bool json_edit_element(const char *text, struct json_span array, size_t i,
	struct json_span *element_r)
{
	size_t at = skip_space(text, array.at + 1);
	struct json_span element;

	while (text[at] != ']') {
		element = value_at(text, at);
		if (i-- == 0) {
			*element_r = element;
			return true;
		}
		at = skip_space(text, element.end);
		at = skip_space(text, at + (text[at] == ',' ? 1 : 0));
	}
	return false;
}

/* Return the last element; false: the array is empty. */
static bool last_element(const char *text, struct json_span array, struct json_span *last_r,
	size_t *count_r)
{
	size_t at = skip_space(text, array.at + 1);

	*count_r = 0;
	while (text[at] != ']') {
		*last_r = value_at(text, at);
		(*count_r)++;
		at = skip_space(text, last_r->end);
		at = skip_space(text, at + (text[at] == ',' ? 1 : 0));
	}
	return *count_r > 0;
}

/* Add the white space that precedes the place. */
static void add_space_before(const char *text, size_t at, struct strbuf *out)
{
	size_t from = at;

	while (from > 0 && strchr(spaces, text[from - 1]) != NULL)
		from--;
	strbuf_add(out, text + from, at - from);
}

/* Add "key": value, with the white space behind the colon that another member has. */
static void add_pair(const char *key, const char *value, const char *behind_colon,
	struct strbuf *out)
{
	strbuf_addf(out, "\"%s\":%s%s", key, behind_colon, value);
}

/* Return the white space behind the colons of an object. */
static const char *space_behind_colon(const char *text, struct json_span key)
{
	const size_t colon = skip_space(text, key.end);

	return strchr(spaces, text[colon + 1]) != NULL ? " " : "";
}

void json_edit_set(const char *text, size_t len, struct json_span object, const char *key,
	const char *value, struct strbuf *out)
{
	struct json_span old, name, last = { object.at + 1, object.at + 1 };
	size_t at = object.at + 1, members = 0, last_key = 0;
	const char *behind_colon = " ";

	if (json_edit_member(text, object, key, JSON_KEYS_CASELESS, &old)) {
		strbuf_add(out, text, old.at);
		strbuf_add_str(out, value);
		strbuf_add(out, text + old.end, len - old.end);
		return;
	}
	while (next_member(text, &at, &name, &last)) {
		members++;
		last_key = name.at;
		behind_colon = space_behind_colon(text, name);
	}
	strbuf_add(out, text, last.end);
	if (members > 0) {
		strbuf_add_char(out, ',');
		if (members > 1)
			add_space_before(text, last_key, out);
		else
			strbuf_add_str(out, " ");
	}
	add_pair(key, value, behind_colon, out);
	strbuf_add(out, text + last.end, len - last.end);
}

/* Add an object whose white space is that of another one. */
static void add_object(const char *text, struct json_span like, const struct json_pair *pairs,
	size_t count, struct strbuf *out)
{
	struct json_span name, value, second;
	size_t at = like.at + 1;
	const bool has_first = text[like.at] == '{' && next_member(text, &at, &name, &value);
	const bool has_second = has_first && next_member(text, &at, &second, &value);

	strbuf_add_char(out, '{');
	for (size_t i = 0; i < count; i++) {
		strbuf_add_str(out, i > 0 ? "," : "");
		if (i == 0 && has_first)
			add_space_before(text, name.at, out);
		else if (i > 0 && has_second)
			add_space_before(text, second.at, out);
		else if (i > 0)
			strbuf_add_char(out, ' ');
		add_pair(pairs[i].key, pairs[i].value,
			has_first ? space_behind_colon(text, name) : " ", out);
	}
	if (has_first)
		add_space_before(text, like.end - 1, out);
	strbuf_add_char(out, '}');
}

void json_edit_append(const char *text, size_t len, struct json_span array,
	const struct json_pair *pairs, size_t count, struct strbuf *out)
{
	struct json_span last;
	size_t elements;

	if (last_element(text, array, &last, &elements)) {
		strbuf_add(out, text, last.end);
		strbuf_add_char(out, ',');
		add_space_before(text, last.at, out);
		add_object(text, last, pairs, count, out);
		strbuf_add(out, text + last.end, len - last.end);
		return;
	}
	strbuf_add(out, text, array.at + 1);
	strbuf_add_str(out, "\n  ");
	add_object(text, (struct json_span){ array.at, array.at }, pairs, count, out);
	strbuf_add_str(out, "\n ");
	strbuf_add(out, text + array.end - 1, len - (array.end - 1));
}

void json_edit_remove(const char *text, size_t len, struct json_span array, size_t i,
	struct strbuf *out)
{
	struct json_span element, other;
	size_t from, to;

	if (!json_edit_element(text, array, i, &element))
		return;
	from = element.at;
	to = element.end;
	if (i > 0 && json_edit_element(text, array, i - 1, &other)) {
		from = other.end;
	} else if (json_edit_element(text, array, i + 1, &other)) {
		to = other.at;
	} else {
		from = array.at + 1;
		to = array.end - 1;
	}
	strbuf_add(out, text, from);
	strbuf_add(out, text + to, len - to);
}
