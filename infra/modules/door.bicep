// One host name for the web app and the API, so that the session's cookie is a first-party one to both.
param profileName string
param endpointName string
param tags object
param customDomain string
param functionHost string
param webHost string
param workspaceId string

resource profile 'Microsoft.Cdn/profiles@2024-02-01' = {
  name: profileName
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: { originResponseTimeoutSeconds: 60 }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: profile
  name: endpointName
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

resource domain 'Microsoft.Cdn/profiles/customDomains@2024-02-01' = {
  parent: profile
  name: replace(customDomain, '.', '-')
  properties: {
    hostName: customDomain
    tlsSettings: { certificateType: 'ManagedCertificate', minimumTlsVersion: 'TLS12' }
  }
}

var origins = [
  { name: 'api', host: functionHost, paths: ['/api/*'], probe: '/api/health' }
  { name: 'web', host: webHost, paths: ['/*'], probe: '/' }
]

resource groups 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = [
  for one in origins: {
    parent: profile
    name: one.name
    properties: {
      loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3 }
      healthProbeSettings: {
        probePath: one.probe
        probeProtocol: 'Https'
        probeRequestType: 'GET'
        probeIntervalInSeconds: 60
      }
    }
  }
]

resource servers 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = [
  for at in range(0, length(origins)): {
    parent: groups[at]
    name: origins[at].name
    properties: {
      hostName: origins[at].host
      originHostHeader: origins[at].host
      httpsPort: 443
      enforceCertificateNameCheck: true
    }
  }
]

resource routes 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = [
  for at in range(0, length(origins)): {
    parent: endpoint
    name: origins[at].name
    properties: {
      originGroup: { id: groups[at].id }
      customDomains: [{ id: domain.id }]
      patternsToMatch: origins[at].paths
      supportedProtocols: ['Https']
      forwardingProtocol: 'HttpsOnly'
      httpsRedirect: 'Disabled'
      linkToDefaultDomain: 'Disabled'
    }
    dependsOn: [servers]
  }
]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: profile
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    // No access log: it holds whole addresses, and a sign-in's callback has its code there.
    logs: [{ category: 'FrontDoorHealthProbeLog', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output doorId string = profile.properties.frontDoorId
