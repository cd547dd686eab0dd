"""AWX's objects as code: awx/controller.yml and awx/import.json out of awx/templates.yml."""
