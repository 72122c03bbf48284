#!/bin/sh
# Writes p1.yml, p2.yml and p3.yml: three Patronis of this machine, whose PostgreSQL servers listen on 5501 to 5503.
# Everybody on this machine is let in without a password: this is for trying.
programs=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
for i in 1 2 3; do
    cat >p$i.yml <<END
scope: shop
name: p$i
restapi: { listen: "127.0.0.1:801$i", connect_address: "127.0.0.1:801$i" }
etcd3: { host: "127.0.0.1:2379" }
bootstrap:
  dcs:
    ttl: 20 # seconds after which a leader that says nothing is replaced
    loop_wait: 5
    retry_timeout: 6
    synchronous_mode: true # what was acknowledged outlives the leader
    postgresql: { use_pg_rewind: true }
  initdb: [{ encoding: UTF8 }, { auth-host: trust }, { auth-local: trust }]
postgresql:
  listen: 127.0.0.1:550$i
  connect_address: 127.0.0.1:550$i
  data_dir: $PWD/p$i
  bin_dir: $programs
  pgpass: $PWD/p$i.pass
  authentication:
    superuser: { username: postgres }
    replication: { username: postgres }
    rewind: { username: postgres }
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  parameters: { unix_socket_directories: "" }
END
done
