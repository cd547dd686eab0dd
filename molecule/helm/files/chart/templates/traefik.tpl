apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels:
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
spec:
  type: {{ .Values.service.type }}
  {{- with .Values.service.loadBalancerClass }}
  loadBalancerClass: {{ . }}
  {{- end }}
  selector:
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
  ports:
    - {name: web, port: 80, targetPort: web}
---
apiVersion: apps/v1
kind: {{ .Values.deployment.kind }}
metadata:
  name: {{ .Release.Name }}
  labels:
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
spec:
  {{- if ne .Values.deployment.replicas nil }}
  replicas: {{ .Values.deployment.replicas }}
  {{- end }}
  minReadySeconds: {{ .Values.deployment.minReadySeconds }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .Chart.Name }}
      app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
  strategy: {{- toYaml .Values.updateStrategy | nindent 4 }}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .Chart.Name }}
        app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
      {{- with .Values.deployment.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ .Release.Name }}
      terminationGracePeriodSeconds: {{ .Values.deployment.terminationGracePeriodSeconds }}
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .Values.topologySpreadConstraints }}
      topologySpreadConstraints: {{- tpl (toYaml .) $ | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .Release.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          imagePullPolicy: IfNotPresent
          {{- with .Values.deployment.lifecycle }}
          lifecycle: {{- toYaml . | nindent 12 }}
          {{- end }}
          args:
            - --global.checkNewVersion=false
            {{- range $name, $port := .Values.ports }}
            - --entryPoints.{{ $name }}.address=:{{ $port.port }}/tcp
            {{- with ($port.transport).lifeCycle }}
            {{- with .requestAcceptGraceTimeout }}
            - --entryPoints.{{ $name }}.transport.lifeCycle.requestAcceptGraceTimeout={{ . }}
            {{- end }}
            {{- with .graceTimeOut }}
            - --entryPoints.{{ $name }}.transport.lifeCycle.graceTimeOut={{ . }}
            {{- end }}
            {{- end }}
            {{- end }}
            - --ping=true
            {{- range .Values.additionalArguments }}
            - {{ . | quote }}
            {{- end }}
          {{- with .Values.env }}
          env: {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- range $name, $port := .Values.ports }}
            - {name: {{ $name }}, containerPort: {{ $port.port }}}
            {{- end }}
          readinessProbe:
            httpGet: {path: /ping, port: {{ .Values.ports.traefik.port }}}
            {{- toYaml .Values.readinessProbe | nindent 12 }}
{{- if .Values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .Release.Name }}
spec:
  {{- with .Values.podDisruptionBudget.minAvailable }}
  minAvailable: {{ . }}
  {{- end }}
  {{- with .Values.podDisruptionBudget.maxUnavailable }}
  maxUnavailable: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .Chart.Name }}
      app.kubernetes.io/instance: {{ .Release.Name }}-{{ .Release.Namespace }}
{{- end }}
{{- if .Values.hold }}
---
# Keeps an upgrade from going on, until its time is over: its pod finds no node.
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hold
  annotations:
    helm.sh/hook: pre-upgrade
spec:
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {example.test/nobody: "true"}
      containers:
        - name: hold
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
{{- end }}
