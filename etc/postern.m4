dnl Postern in front of Sendmail: copy these lines into sendmail.mc, before the MAILER lines, or name this file there:
dnl include(`/usr/local/share/doc/postern/examples/postern.m4')dnl
dnl
dnl F=T: while the filter is away, mail waits (451); without it Sendmail lets all mail pass.
dnl T=: how long Sendmail waits for an answer (S to send, R to read, E for the whole end of a message).
dnl The socket is what [milter] socket says; an inet one is written inet:8894@127.0.0.1.
INPUT_MAIL_FILTER(`postern', `S=unix:/run/postern/postern.sock, F=T, T=S:30s;R:30s;E:2m')dnl
dnl
dnl Postern asks for the macros that it needs. {client_resolve} among them tells it which client names
dnl lead back to their address: others count as none.
dnl
dnl A name for [check submission], here for port 587 (see op.me, DaemonPortOptions):
dnl DAEMON_OPTIONS(`Name=submission, Port=587, M=Ea')dnl
