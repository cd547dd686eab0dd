module lab/traefik-3.7.9

go 1.26

require github.com/traefik/traefik/v3 v3.7.9
