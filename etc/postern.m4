dnl Postern as a filter of Sendmail: copy these lines into sendmail.mc, before the MAILER lines, or include this file there
dnl (without the package: /usr/local/share/...):
dnl include(`/usr/share/doc/postern/examples/postern.m4')dnl
dnl
dnl F=T defers mail (451) while the filter is unavailable; without it, Sendmail lets all mail pass.
dnl T= sets how long Sendmail waits for an answer: S for sending, R for reading, E for the end of a message.
dnl S= is the value of [milter] socket, which `posternctl status' shows; a TCP socket is written inet:8894@127.0.0.1.
INPUT_MAIL_FILTER(`postern', `S=unix:/run/postern/postern.sock, F=T, T=S:30s;R:30s;E:2m')dnl
dnl
dnl Postern requests the macros that it needs. One of them, {client_resolve}, shows whether a client's name
dnl resolves to its address; Postern ignores other names.
dnl
dnl Sendmail replaces the domain of an address in a From field by its canonical name in DNS, which Postern cannot see.
dnl This line switches the replacement off.
dnl FEATURE(`nocanonify')dnl
dnl
dnl This line names port 587 for [check submission] (see op.me, DaemonPortOptions). Use it in place of a line for that
dnl port, such as the one for MSP-v4 on Debian; without such a line, FEATURE(`no_default_msa') is needed, too. With a
dnl DAEMON_OPTIONS line, Sendmail opens port 25 only if there is another one for it.
dnl DAEMON_OPTIONS(`Name=submission, Port=587, M=Ea')dnl
