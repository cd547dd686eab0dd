module lab/traefik-3.6.10

go 1.26

require github.com/traefik/traefik/v3 v3.6.10
