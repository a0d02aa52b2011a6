/*
 * Writes and reads packets of the milter protocol in a buffer. Keeps no state, so that any thread
 * may call it.
 */
#include "t/bench/lib/packet.h"

#include <arpa/inet.h>
#include <string.h>

size_t packet_begin(struct strbuf *out, char command)
{
	size_t place = out->len;

	packet_add_u32(out, 0);
	strbuf_add_char(out, command);
	return place;
}

void packet_end(struct strbuf *out, size_t place)
{
	uint32_t len;

	if (out->failed)
		return;
	len = htonl((uint32_t)(out->len - place - sizeof(len)));
	memcpy(out->text + place, &len, sizeof(len));
}

void packet_add_text(struct strbuf *out, const char *text)
{
	strbuf_add(out, text, strlen(text) + 1);
}

void packet_add_u32(struct strbuf *out, uint32_t number)
{
	uint32_t net = htonl(number);

	strbuf_add(out, (const char *)&net, sizeof(net));
}

void packet_add_u16(struct strbuf *out, uint16_t number)
{
	uint16_t net = htons(number);

	strbuf_add(out, (const char *)&net, sizeof(net));
}

void packet_add_bare(struct strbuf *out, char command)
{
	packet_end(out, packet_begin(out, command));
}

enum packet_found packet_find(const char *buf, size_t len, struct packet *packet_r)
{
	uint32_t packet_len;

	if (len < sizeof(packet_len))
		return PACKET_PARTIAL;
	packet_len = packet_read_u32(buf);
	if (packet_len == 0 || packet_len > PACKET_MAX_REPLY)
		return PACKET_BAD;
	if (len - sizeof(packet_len) < packet_len)
		return PACKET_PARTIAL;
	packet_r->command = buf[sizeof(packet_len)];
	packet_r->args = buf + sizeof(packet_len) + 1;
	packet_r->args_len = packet_len - 1;
	packet_r->size = sizeof(packet_len) + packet_len;
	return PACKET_WHOLE;
}

uint32_t packet_read_u32(const char *args)
{
	uint32_t net;

	memcpy(&net, args, sizeof(net));
	return ntohl(net);
}
