// What wakes an operator. Each alert has its runbook in docs/operations.md, under its name.
param environmentName string
param location string
param tags object
param email string
param insightsId string
param cosmosId string
param openaiId string
@description('In the currency of the subscription.')
param monthlyBudget int
@description('The first day of the month from which the budget counts.')
param budgetFrom string

var alerts = loadJsonContent('../alerts.json')
var ids = { cosmos: cosmosId, openai: openaiId }

resource told 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-srecopilot-${environmentName}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'srecopilot'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource byLogs 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for one in alerts.logAlerts: {
    name: 'sqr-${one.name}-${environmentName}'
    location: location
    tags: tags
    properties: {
      displayName: one.title
      description: 'Runbook: docs/operations.md#${one.name}'
      severity: one.severity
      enabled: true
      scopes: [insightsId]
      evaluationFrequency: one.every
      windowSize: one.window
      criteria: {
        allOf: [
          {
            query: one.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: [told.id] }
    }
  }
]

resource byMetrics 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for one in alerts.metricAlerts: {
    name: 'ma-${one.name}-${environmentName}'
    location: 'global'
    tags: tags
    properties: {
      description: '${one.title}. Runbook: docs/operations.md#${one.name}'
      severity: one.severity
      enabled: true
      scopes: [ids[one.of]]
      evaluationFrequency: one.every
      windowSize: one.window
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: one.name
            metricName: one.metric
            metricNamespace: one.namespace
            timeAggregation: one.aggregation
            operator: one.operator
            threshold: one.threshold
            dimensions: one.dimensions
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: told.id }]
    }
  }
]

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'srecopilot-${environmentName}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetFrom }
    notifications: {
      nearly: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: empty(email) ? [] : [email]
        contactGroups: [told.id]
      }
      spent: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: empty(email) ? [] : [email]
        contactGroups: [told.id]
      }
    }
  }
}
